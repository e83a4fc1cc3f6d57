"""Closes the records of finished calls, those of one turn of the event loop together.

Closing a record (folding the answer, redacting, encoding, writing to the spool, counting) is the same work
for each call; done for several in a row it costs a fraction, because code and data are still in the caches.
A call's last byte leaves only once its record is kept: whoever answers awaits `kept()` first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator

import msgspec
from msgspec import Struct

from seawall.core.ports import Recorder, Redactor
from seawall.core.record import CallRecord, Content, Decision, Record

log = logging.getLogger("seawall.monitoring")


class Finished(Struct, frozen=True):
    """A call that is over, and how it ended."""

    record: CallRecord
    outcome: str
    ended: float
    """On the monotonic clock."""
    error: BaseException | None
    redactor: Redactor


class Closing:
    """Takes finished calls and hands their closed records to the recorder.

    With *soon* (a loop's `call_soon`) those of one turn are closed together; without it each at once.
    `observe` is called with each closed record, for metrics.
    """

    def __init__(
        self,
        recorder: Recorder,
        observe: Callable[[Record], None],
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._recorder = recorder
        self._observe = observe
        self._soon = soon
        self._waiting: list[Finished] = []
        self._waiters: list[asyncio.Future[None]] = []

    def add(self, finished: Finished) -> None:
        """A call is over. Never raises, never waits."""
        self._waiting.append(finished)
        if self._soon is None:
            self.flush()
        elif len(self._waiting) == 1:
            self._soon(self.flush)

    def kept(self) -> Awaitable[None]:
        """Wait until all that was added before is kept."""
        if not self._waiting:
            return _AT_ONCE
        # One for each: a future that several await would be cancelled for all of them with the first.
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def flush(self) -> None:
        """Close and hand over what is waiting."""
        waiting, self._waiting = self._waiting, []
        for finished in waiting:
            self._close(finished)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _close(self, finished: Finished) -> None:
        record, content = finished.record.close(finished.outcome, finished.ended, finished.error)
        redactor = finished.redactor
        try:
            content = redactor.redact(content)
            if record.error_message:
                record = _without_secrets(record, redactor)
        except Exception as error:  # a broken redactor must not lose the record
            log.exception("the redactor failed on call %s; its content is not kept", record.id)
            content = Content()
            lost = Decision("monitoring", "content_dropped", {"reason": type(error).__name__})
            record = msgspec.structs.replace(
                record, error_message="", attempts=(), decisions=(*record.decisions, lost)
            )
        self._recorder.submit(record, content)
        self._observe(record)


def _without_secrets(record: Record, redactor: Redactor) -> Record:
    """*record* with its texts redacted: a provider's error may repeat what it was sent."""
    attempts = tuple(
        msgspec.structs.replace(each, reason=redactor.redact_text(each.reason)) for each in record.attempts
    )
    message = redactor.redact_text(record.error_message)
    return msgspec.structs.replace(record, error_message=message, attempts=attempts)


class _AtOnce:
    """Awaits nothing."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_AT_ONCE: Awaitable[None] = _AtOnce()
