"""Closing records: redacted, handed over, counted; together or at once; and nobody is answered before."""

import asyncio

import pytest

from seawall.core.accumulate import replay
from seawall.core.errors import ProviderError
from seawall.core.record import Attempt, Content, Decision, Record
from seawall.layers.monitoring.closing import Closing, Finished
from seawall.layers.monitoring.redact import KeepAll, PatternRedactor

from tests.support.fakes import ListRecorder, answer, call, request


class Broken(KeepAll):
    """A redactor with a fault."""

    def redact(self, content: Content) -> Content:
        raise RuntimeError("a fault")


def finished(redactor: KeepAll | PatternRedactor, error: ProviderError | None = None) -> Finished:
    record = call(request("my card is 4111 1111 1111 1111")).record
    for event in replay(answer("write to ada@example.org")):
        record.sent.add(event)
    if error is not None:
        record.attempts.append(Attempt("p/m", error.code, 0, 1, reason=str(error)))
    return Finished(
        record, "ok" if error is None else "provider_error", record.started + 1.0, error, redactor
    )


def test_content_is_redacted_before_it_is_handed_over() -> None:
    recorder, observed = ListRecorder(), list[Record]()
    Closing(recorder, observed.append).add(finished(PatternRedactor()))

    record, content = recorder.calls[0]
    assert content.asked is not None
    assert content.asked.messages[0].text == "my card is [CARD]"
    assert content.answer is not None
    assert content.answer.text == "write to [EMAIL]"
    assert observed == [record]


def test_an_error_that_repeats_a_secret_is_redacted_as_well() -> None:
    recorder = ListRecorder()
    error = ProviderError("bad_request", "no such user ada@example.org")
    Closing(recorder, lambda record: None).add(finished(PatternRedactor(), error))

    record = recorder.calls[0][0]
    assert record.error_message == "no such user [EMAIL]"
    assert record.attempts[0].reason == "no such user [EMAIL]"


@pytest.mark.parametrize(
    "error", [None, ProviderError("bad_request", "ada@example.org")], ids=["ok", "failed"]
)
def test_a_broken_redactor_costs_the_content_and_never_the_record(error: ProviderError | None) -> None:
    recorder = ListRecorder()
    Closing(recorder, lambda record: None).add(finished(Broken(), error))

    record, content = recorder.calls[0]
    assert content == Content()
    assert "@" not in str(record)
    assert record.decisions[-1] == Decision("monitoring", "content_dropped", {"reason": "RuntimeError"})


def test_those_of_one_turn_are_closed_together_and_waited_for() -> None:
    async def main() -> None:
        recorder = ListRecorder()
        closing = Closing(recorder, lambda record: None, asyncio.get_running_loop().call_soon)
        closing.add(finished(KeepAll()))
        closing.add(finished(KeepAll()))
        assert recorder.calls == []
        await closing.kept()
        assert len(recorder.calls) == 2
        await closing.kept()  # nothing waits any more: at once

    asyncio.run(main())


def test_who_stops_waiting_stops_nobody_else() -> None:
    async def main() -> None:
        recorder, scheduled = ListRecorder(), []
        closing = Closing(recorder, lambda record: None, scheduled.append)
        closing.add(finished(KeepAll()))

        async def waits() -> None:
            await closing.kept()

        async with asyncio.TaskGroup() as tasks:
            leaves, stays = tasks.create_task(waits()), tasks.create_task(waits())
            await asyncio.sleep(0)
            leaves.cancel()
            await asyncio.sleep(0)
            assert not stays.done()
            scheduled[0]()
            await stays
        assert leaves.cancelled()
        assert len(recorder.calls) == 1

    asyncio.run(main())
