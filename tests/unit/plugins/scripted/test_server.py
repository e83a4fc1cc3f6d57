"""The server as a whole: determinism, log and counters, limits, the fault plan, and a clean end."""

import asyncio
import gc
import warnings
from typing import Any

import pytest

from seawall.plugins.providers.scripted import Capacity, ScriptedServer
from seawall.testing import FakeClock

from tests.unit.plugins.scripted.raw import WEATHER, Exchange, answered, asked, exchange, once, post


async def until(holds: Any) -> None:
    """Let the loop run until *holds()*; the test's own time limit ends what never comes."""
    while not holds():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "more", [{}, {"stream": True}, {"tools": [WEATHER], "text": "Weather in Rome?"}, {"n": 2}]
)
def test_the_same_request_gives_the_same_bytes_from_another_server(more: dict[str, Any]) -> None:
    assert once(asked(**more)).data == once(asked(**more)).data


def test_a_repeated_request_gives_the_same_bytes_from_the_same_server() -> None:
    async def main() -> list[bytes]:
        async with ScriptedServer(created=1) as server:
            return [(await exchange(server, post(asked(logprobs=True)))).data for _ in range(2)]

    first, second = asyncio.run(main())
    assert first == second


def test_seed_request_and_model_each_change_the_id_but_streaming_does_not() -> None:
    bodies = [asked(), asked("scripted-fast"), asked(text="How long do refunds take?")]
    ids = [answered(body, speed=1e6)["id"] for body in bodies] + [answered(asked(), seed=1)["id"]]
    assert len(set(ids)) == 4
    assert ids[0].encode() in once(asked(stream=True)).body


def test_the_log_tells_what_came_and_how_it_ended() -> None:
    async def main() -> ScriptedServer:
        async with ScriptedServer() as server:
            await exchange(server, post(asked()))
            await exchange(server, post(asked("scripted-instant+reset_mid_body")))
            await exchange(server, post(asked("scripted-instant+stall", stream=True)), quiet=0.05)
            await until(lambda: server.counters.active == 0)
            return server

    server = asyncio.run(main())
    assert [entry.outcome for entry in server.requests] == ["finished", "ended_by_fault", "closed_by_client"]
    last = server.requests[-1]
    assert (last.model, last.faults, last.status) == ("scripted-instant", ("stall",), 200)
    assert last.ended_at is not None
    assert last.ended_at >= last.at
    assert last.headers["host"] == "test"
    assert b"warranty" in last.body
    counters = server.counters
    assert (counters.started, counters.finished, counters.aborted, counters.active) == (3, 1, 2, 0)


def test_closing_ends_hanging_answers_and_leaves_no_task_and_no_socket() -> None:
    async def main() -> tuple[Exchange, ScriptedServer, set[Any]]:
        server = ScriptedServer()
        await server.start()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(exchange(server, post(asked("scripted-instant+hang")), quiet=5))
            await until(lambda: server.counters.active == 1)
            await server.close()
        return waiting.result(), server, asyncio.all_tasks() - {asyncio.current_task()}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, server, tasks = asyncio.run(main())
        gc.collect()
    assert found.ending in ("eof", "reset")
    assert server.requests[-1].outcome == "stopped"
    assert server.counters.open_connections == 0
    assert tasks == set()


def test_pipelined_requests_are_answered_in_order() -> None:
    async def main() -> Exchange:
        async with ScriptedServer() as server:
            first = post(asked("scripted-fast+speed=4", stream=True), close=False)
            return await exchange(server, first + post(asked(text="How long do refunds take?")))

    found = asyncio.run(main())
    assert found.data.index(b"[DONE]") < found.data.index(b"within 14 days")
    assert found.data.count(b"HTTP/1.1 200") == 2
    assert found.ending == "eof"


def test_a_thousand_pipelined_requests_are_answered() -> None:
    request = b"GET /v1/models HTTP/1.1\r\nhost: test\r\n\r\n"
    last = request.replace(b"host", b"connection: close\r\nhost")
    assert once(request * 1000 + last).data.count(b"HTTP/1.1 200") == 1001


def test_a_long_queue_is_worked_off() -> None:
    async def main() -> tuple[int, ScriptedServer]:
        async with ScriptedServer(capacity=Capacity(concurrent=1, queue=300)) as server:
            server.faults.set("pause=0.2", first=1)
            async with asyncio.TaskGroup() as group:
                first = post(asked(stream=True))
                tasks = [group.create_task(exchange(server, first, quiet=5))]
                await until(lambda: server.counters.active == 1)
                tasks += [group.create_task(exchange(server, post(asked()), quiet=5)) for _ in range(150)]
            return sum(task.result().data.startswith(b"HTTP/1.1 200") for task in tasks), server

    answered, server = asyncio.run(main())
    assert answered == 151
    assert server.counters.most_active == 1


def test_what_is_not_there_or_malformed_is_said() -> None:
    assert b"404" in once(post(asked(), "/v1/nothing")).data[:20]
    assert b"405" in once(post(asked(), "/v1/models")).data[:20]
    assert b"not HTTP" in once(b"NONSENSE\r\n\r\n").data
    assert b"200" in once(post(asked(), "/chat/completions")).data[:20]


def test_a_wrong_key_is_refused() -> None:
    assert b" 401 " in once(asked(), api_key="right").data[:20]
    request = post(asked()).replace(b"host: test", b"host: test\r\nauthorization: Bearer right")
    assert b" 200 " in once(request, api_key="right").data[:20]


def test_a_plan_breaks_the_server_and_clearing_heals_it() -> None:
    async def main() -> list[bytes]:
        async with ScriptedServer() as server:
            server.faults.set("status=503", first=2)
            statuses = [(await exchange(server, post(asked()))).data[9:12] for _ in range(3)]
            server.faults.set("status=500", model="scripted-fast*")
            statuses.append((await exchange(server, post(asked()))).data[9:12])
            server.faults.set("status=502")
            statuses.append((await exchange(server, post(asked()))).data[9:12])
            server.faults.clear()
            statuses.append((await exchange(server, post(asked()))).data[9:12])
            return statuses

    assert asyncio.run(main()) == [b"503", b"503", b"200", b"200", b"502", b"200"]


def test_an_outage_has_a_beginning_and_an_end_on_the_clock() -> None:
    async def main() -> list[bytes]:
        clock = FakeClock()
        async with ScriptedServer(clock=clock) as server:
            server.faults.set("status=503", start=10, stop=20)
            statuses = []
            for _ in range(3):
                statuses.append((await exchange(server, post(asked()))).data[9:12])
                clock.advance(10)
            return statuses

    assert asyncio.run(main()) == [b"200", b"503", b"200"]


def test_refused_connections_are_reset_at_accept() -> None:
    async def main() -> tuple[str, str, int]:
        async with ScriptedServer() as server:
            server.faults.set("refuse", first=1)
            first = await exchange(server, post(asked()))
            second = await exchange(server, post(asked()))
            return first.ending, second.ending, server.counters.received

    assert asyncio.run(main()) == ("reset", "eof", 1)


def test_a_server_that_stopped_listening_refuses_and_comes_back_at_the_same_port() -> None:
    async def main() -> tuple[bytes, bytes, bool]:
        async with ScriptedServer() as server:
            port = server.port
            server.stop_listening()
            down = await exchange(server, post(asked()))
            await server.listen_again()
            up = await exchange(server, post(asked()))
            return down.data, up.data[9:12], port == server.port

    assert asyncio.run(main()) == (b"", b"200", True)


def test_first_in_a_name_counts_per_request_so_that_a_retry_succeeds() -> None:
    async def main() -> list[bytes]:
        async with ScriptedServer() as server:
            model = "scripted-instant+status=503+first=1"
            bodies = [asked(model), asked(model), asked(model, text="How long do refunds take?")]
            return [(await exchange(server, post(body))).data[9:12] for body in bodies]

    assert asyncio.run(main()) == [b"503", b"200", b"503"]


@pytest.mark.parametrize("name", ["flaky=0.3", "status=503+rate=0.3"])
def test_a_rate_is_kept_and_is_the_same_on_every_run(name: str) -> None:
    async def main() -> list[bool]:
        async with ScriptedServer() as server:
            found = [
                await exchange(server, post(asked(f"scripted-instant+{name}", text=f"Question {number}?")))
                for number in range(60)
            ]
            return [one.data[9:12] == b"200" and one.data.endswith(b"}") for one in found]

    first = asyncio.run(main())
    assert first == asyncio.run(main())
    assert 30 <= sum(first) <= 54


def test_requests_per_minute_are_limited_and_told_in_headers() -> None:
    async def main() -> list[bytes]:
        clock = FakeClock()
        async with ScriptedServer(clock=clock, capacity=Capacity(requests_per_minute=2)) as server:
            heads = [(await exchange(server, post(asked()))).head for _ in range(3)]
            clock.advance(30)
            return [*heads, (await exchange(server, post(asked()))).head]

    first, second, third, later = asyncio.run(main())
    assert b"x-ratelimit-limit-requests: 2" in first
    assert b"x-ratelimit-remaining-requests: 1" in first
    assert b"x-ratelimit-remaining-requests: 0" in second
    assert third.startswith(b"http/1.1 429")
    assert b"\r\nretry-after: 30\r\n" in third
    assert b"retry-after-ms: 30000" in third
    assert later.startswith(b"http/1.1 200")


def test_beyond_capacity_some_wait_and_the_rest_get_429() -> None:
    async def main() -> tuple[list[bytes], ScriptedServer]:
        capacity = Capacity(concurrent=1, queue=1)
        async with ScriptedServer(capacity=capacity) as server, asyncio.TaskGroup() as group:
            slow = group.create_task(exchange(server, post(asked("scripted-instant+pause=0.1", stream=True))))
            await until(lambda: server.counters.active == 1)
            queued = group.create_task(exchange(server, post(asked())))
            await until(lambda: server.counters.waiting == 1)
            shed = await exchange(server, post(asked()))
            answers = [await slow, await queued, shed]
            await until(lambda: server.counters.open_connections == 0)
            return [one.data[9:12] for one in answers], server

    statuses, server = asyncio.run(main())
    assert statuses == [b"200", b"200", b"429"]
    assert server.counters.waiting == 0


def test_one_who_leaves_the_queue_gives_its_place_up() -> None:
    async def main() -> ScriptedServer:
        async with ScriptedServer(capacity=Capacity(concurrent=1, queue=1)) as server:
            async with asyncio.TaskGroup() as group:
                group.create_task(exchange(server, post(asked("scripted-instant+hang")), quiet=0.2))
                await until(lambda: server.counters.active == 1)
                await exchange(server, post(asked()), quiet=0.02)
                await until(lambda: server.counters.waiting == 0)
            await until(lambda: server.counters.open_connections == 0)
            return server

    server = asyncio.run(main())
    assert [entry.outcome for entry in server.requests] == ["closed_by_client", "closed_by_client"]
    assert server.counters.active == 0


def test_tokens_come_at_the_pace_of_the_clock() -> None:
    async def main() -> tuple[int, list[int]]:
        clock = FakeClock()
        async with ScriptedServer(clock=clock) as server, asyncio.TaskGroup() as group:
            reading = group.create_task(exchange(server, post(asked("scripted-large", stream=True)), quiet=5))
            await until(lambda: clock.pending == 1)
            written = []
            while clock.pending:
                written.append(server.requests[-1].written)
                clock.advance(0.01)
                await asyncio.sleep(0)
            return len((await reading).data), written

    total, written = asyncio.run(main())
    assert written[0] == written[10] < 400
    assert len(set(written)) > 10
    assert written[-1] < total


def test_a_foreign_request_id_is_not_the_one_of_the_request() -> None:
    own, foreign = (
        once(asked(model)) for model in ("scripted-instant", "scripted-instant+foreign_request_id")
    )
    other = once(asked("scripted-instant+foreign_request_id", text="How long do refunds take?"))
    ids = [
        [line for line in one.head.split(b"\r\n") if b"x-request-id" in line] for one in (own, foreign, other)
    ]
    assert ids[0] != ids[1] == ids[2]


def test_a_slow_reader_holds_the_writing_back() -> None:
    async def main() -> tuple[int, int]:
        async with ScriptedServer() as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
            writer.write(post(asked("scripted-instant+many_events=1000000", stream=True)))
            await until(lambda: len(server.requests) == 1 and server.requests[-1].written > 10_000)
            for _ in range(200):
                await asyncio.sleep(0)
            writer.transport.abort()
            await until(lambda: server.counters.active == 0)
            return server.requests[-1].written, server.counters.aborted

    written, aborted = asyncio.run(main())
    assert written < 20_000_000
    assert aborted == 1


def test_starting_twice_is_an_error() -> None:
    async def main() -> None:
        async with ScriptedServer() as server:
            with pytest.raises(RuntimeError, match="already listens"):
                await server.start()

    asyncio.run(main())


def test_no_speed_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"speed 0\.0"):
        ScriptedServer(speed=0.0)
