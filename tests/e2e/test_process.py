"""`seawall serve` from outside: how it starts, reloads, drains, dies, and what it says when it cannot."""

import asyncio
import json
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import openai
import pytest
from click.testing import CliRunner

from seawall.cli.main import cli
from seawall.core.ports import Store
from seawall.core.record import Record
from seawall.plugins.stores import open_store
from seawall.runtime.project import open_project_store

from tests.support.postgres import Postgres, postgres
from tests.wire.harness import Gateway, Process, ProviderThread, all_records, gateway, wait_until, write

__all__ = ["postgres"]  # a fixture

QUESTION: Any = [{"role": "user", "content": "Order A-17 shipped on Monday. When did order A-17 ship?"}]
ANSWER = "Order A-17 shipped on Monday."
FEATURE = """\
seawall: 1
feature: NAME
intent: {purpose: Answer what is asked., owner: tests, request_type: reasoning}
llm: {targets: [scripted/scripted-instant]}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderThread]:
    """A scripted provider for all gateways of this file."""
    with ProviderThread(seed=3) as running:
        yield running


def project(folder: Path, provider: ProviderThread, extra: str = "") -> Path:
    """A project with one feature."""
    return write(
        folder,
        {
            "seawall.yaml": f'seawall: 1\n{extra}providers:\n  scripted: {{base_url: "{provider.url}"}}\n',
            "features/first.yaml": FEATURE.replace("NAME", "first"),
        },
    )


@pytest.fixture(scope="module")
def served(provider: ProviderThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for the tests that leave it as they found it."""
    with gateway(project(tmp_path_factory.mktemp("served"), provider)) as running:
        yield running


def answer_of(running: Gateway, model: str = "first", **options: Any) -> str:
    """The answer to the question, or the code of the error."""
    with running.client(**options) as client:
        try:
            answer = client.chat.completions.create(model=model, messages=QUESTION)
        except openai.APIStatusError as error:
            return str(error.code)
        return str(answer.choices[0].message.content)


def records_in(folder: Path) -> list[Record]:
    """What the store of the project in *folder* holds."""
    return read(open_project_store(folder))


def read(store: Store) -> list[Record]:
    """What *store* holds; it is closed."""
    try:
        return all_records(store)
    finally:
        store.close()


def reloads(running: Gateway, result: str) -> int:
    """How many reloads had this *result*."""
    with urlopen(running.url.removesuffix("/v1") + "/metrics") as response:
        text = response.read().decode()
    line = f'seawall_reloads_total{{result="{result}"}} '
    return next((int(float(each[len(line) :])) for each in text.splitlines() if each.startswith(line)), 0)


def test_without_files_it_serves_the_vendor_whose_key_it_finds_and_makes_the_first_key_once(
    tmp_path: Path,
) -> None:
    environ = {"OPENAI_API_KEY": "sk-points-nowhere"}
    with gateway(tmp_path, environ=environ) as first:
        assert "openai/…" in first.process.out
        assert f"{first.key}   (new; kept in" in first.process.out
        assert stat.S_IMODE((tmp_path / ".seawall" / "key").stat().st_mode) == 0o600
        with first.client() as client:
            assert [model.id for model in client.models.list()] == []
    with gateway(tmp_path, environ=environ) as again:
        assert again.key == first.key
        assert again.key not in again.process.out
        with again.client() as client:
            assert [model.id for model in client.models.list()] == []
    assert "sk-points-nowhere" not in first.process.out + first.process.err


def test_without_files_and_without_any_provider_it_says_what_to_do(tmp_path: Path) -> None:
    if any(answers(port) for port in (11434, 8000, 8080, 1234)):
        pytest.skip("a model server runs on this machine")
    process = Process("serve", str(tmp_path), folder=tmp_path)
    assert process.ended() == 1
    assert "OPENAI_API_KEY" in process.err
    assert "seawall init" in process.err
    assert "Traceback" not in process.err


def answers(port: int) -> bool:
    """Whether something listens there on this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_taken_port_is_told_in_a_line(provider: ProviderThread, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        process = Process("serve", str(project(tmp_path, provider)), "--listen", place, folder=tmp_path)
        assert process.ended() == 1
    assert f"cannot listen at {place}" in process.err
    assert "Traceback" not in process.err


def test_a_wrong_file_is_told_with_its_line(provider: ProviderThread, tmp_path: Path) -> None:
    project(tmp_path, provider)
    write(tmp_path, {"features/first.yaml": FEATURE.replace("NAME", "first") + "inputs: {}\n"})
    process = Process("serve", str(tmp_path), folder=tmp_path)
    assert process.ended() == 1
    assert "features/first.yaml:5" in process.err
    assert "Traceback" not in process.err


def test_changed_files_are_taken_up_and_broken_ones_change_nothing(served: Gateway) -> None:
    second = served.folder / "features" / "second.yaml"
    assert answer_of(served, "second") == "model_not_found"
    second.write_text(FEATURE.replace("NAME", "second"))
    wait_until(lambda: answer_of(served, "second") == ANSWER)
    failed = reloads(served, "failed")
    second.write_text("seawall: 1\nfeature: second\nbroken: [\n")
    wait_until(lambda: reloads(served, "failed") == failed + 1)
    assert answer_of(served, "second") == ANSWER
    assert answer_of(served, "first") == ANSWER
    assert "features/second.yaml:" in served.process.err
    second.unlink()
    wait_until(lambda: answer_of(served, "second") == "model_not_found")


def test_sighup_reads_the_files_again(served: Gateway) -> None:
    before = reloads(served, "ok")
    served.process.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: reloads(served, "ok") == before + 1)
    assert answer_of(served) == ANSWER


def test_a_revoked_key_is_refused_within_a_second(served: Gateway) -> None:
    where = ["--project", str(served.folder)]
    made = CliRunner().invoke(cli, ["keys", "create", "--name", "night job", *where])
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    wait_until(lambda: answer_of(served, api_key=key) == ANSWER, within=1.5)
    key_id = next(word for word in made.stderr.split() if word.startswith("k-"))
    assert CliRunner().invoke(cli, ["keys", "revoke", key_id, *where]).exit_code == 0
    revoked = time.monotonic()
    wait_until(lambda: answer_of(served, api_key=key) == "invalid_api_key", within=1.5)
    assert time.monotonic() - revoked < 1.2
    assert answer_of(served) == ANSWER, "other keys are not touched"


def test_sigterm_lets_streams_end_and_ends_those_that_do_not(
    provider: ProviderThread, tmp_path: Path
) -> None:
    project(tmp_path, provider, "drain: 1 s\n")

    async def reading(client: openai.AsyncOpenAI, model: str, begun: asyncio.Event) -> tuple[str, str]:
        """What came, and how it ended."""
        text, finish = "", ""
        stream = await client.chat.completions.create(
            model=f"scripted/{model}", messages=QUESTION, stream=True
        )
        try:
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
                finish = chunk.choices[0].finish_reason or finish
                begun.set()
        except openai.APIError as error:
            return text, str(error.code)
        return text, finish

    async def main(running: Gateway) -> tuple[tuple[str, str], tuple[str, str]]:
        begun = asyncio.Event(), asyncio.Event()
        async with running.async_client() as client, asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(reading(client, "scripted-instant+pause=0.5", begun[0]))
            endless = tasks.create_task(reading(client, "scripted-instant+stall=4", begun[1]))
            await begun[0].wait()
            await begun[1].wait()
            running.process.popen.terminate()
        return slow.result(), endless.result()

    with gateway(tmp_path) as running:
        slow, endless = asyncio.run(main(running))
        assert running.process.ended(10) == 0
    assert slow == (ANSWER, "stop")
    assert endless[1] == "overloaded"
    assert 0 < len(endless[0]) < len(ANSWER)
    assert sorted(record.outcome for record in records_in(tmp_path)) == ["ok", "shutdown"]


def test_kill_9_loses_no_record_of_an_answer_that_arrived(provider: ProviderThread, tmp_path: Path) -> None:
    project(tmp_path, provider)
    answered: set[str] = set()

    async def user(client: openai.AsyncOpenAI, number: int) -> None:
        for turn in range(10_000):
            mine = f"user-{number}-{turn}"
            wanted: Any = {"model": "first", "messages": QUESTION, "extra_headers": {"x-request-id": mine}}
            try:
                if turn % 2:
                    await client.chat.completions.create(**wanted)
                else:
                    async with client.chat.completions.stream(**wanted) as stream:
                        await stream.until_done()
            except openai.APIConnectionError:
                return
            answered.add(mine)

    async def main(running: Gateway) -> None:
        async with running.async_client() as client, asyncio.TaskGroup() as tasks:
            for number in range(6):
                tasks.create_task(user(client, number))
            while len(answered) < 60:
                await asyncio.sleep(0.005)
            os.kill(running.process.popen.pid, signal.SIGKILL)

    with gateway(tmp_path) as running:
        asyncio.run(main(running))
        assert running.process.ended(5) == -signal.SIGKILL
    with gateway(tmp_path) as again:
        assert answer_of(again) == ANSWER
        wait_until(lambda: not answered - {record.correlation_id for record in records_in(tmp_path)})
    recorded = [record.correlation_id for record in records_in(tmp_path)]
    assert len(recorded) == len(set(recorded)), "nothing is recorded twice"


def test_looking_at_the_records_from_outside_loses_none(provider: ProviderThread, tmp_path: Path) -> None:
    project(tmp_path, provider)
    with gateway(tmp_path) as running:
        assert answer_of(running) == ANSWER
        wait_until(lambda: len(records_in(tmp_path)) == 1)
        assert len(look_from_another_process(tmp_path)) == 1
        assert answer_of(running) == ANSWER
        wait_until(lambda: len(look_from_another_process(tmp_path)) == 2)
        os.kill(running.process.popen.pid, signal.SIGKILL)
        running.process.ended(5)
    assert len(look_from_another_process(tmp_path)) == 2


def look_from_another_process(folder: Path) -> list[Any]:
    """What `seawall records search` lists, run as its user runs it."""
    process = Process("records", "search", "--json", "--project", str(folder), folder=folder / "look")
    assert process.ended() == 0, process.err
    return list(json.loads(process.out))


def test_the_same_on_postgresql(provider: ProviderThread, tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.new_database()
    project(tmp_path, provider, 'store: "${SEAWALL_STORE}"\n')
    with gateway(tmp_path, environ={"SEAWALL_STORE": url}) as running:
        assert answer_of(running) == ANSWER
        assert answer_of(running, api_key="sw-nobody") == "invalid_api_key"
        assert running.process.stop() == 0
    (record,) = read(open_store(url))
    assert (record.feature, record.outcome, record.key_id) == ("first", "ok", "k-first")
