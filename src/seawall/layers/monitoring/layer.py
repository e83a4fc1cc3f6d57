"""The outermost layer: every call leaves exactly one record, however it ends."""

import asyncio
import logging
from collections.abc import Callable

from seawall.core.call import Call
from seawall.core.errors import (
    CallError,
    ContextError,
    DeadlineExceeded,
    GuardBlocked,
    OutputInvalid,
    Overloaded,
    ProviderError,
    Rejected,
)
from seawall.core.events import Event
from seawall.core.handler import Emit, Handler
from seawall.core.ports import Clock, Recorder, Redactor
from seawall.core.record import Content, Outcome, Record

log = logging.getLogger("seawall.monitoring")

SHUTDOWN = "shutdown"
"""The message with which a call is cancelled because the process stops, not because its client left."""

_OUTCOMES: tuple[tuple[type[CallError], Outcome], ...] = (
    (Rejected, "rejected"),
    (GuardBlocked, "guard_blocked"),
    (DeadlineExceeded, "deadline_exceeded"),
    (ProviderError, "provider_error"),
    (OutputInvalid, "output_invalid"),
    (ContextError, "context_error"),
    (Overloaded, "overloaded"),
)


def outcome_of(error: BaseException) -> Outcome:
    """The word under which a call that ended with *error* is recorded."""
    if isinstance(error, asyncio.CancelledError):
        return "shutdown" if SHUTDOWN in error.args else "cancelled"
    return next((word for kind, word in _OUTCOMES if isinstance(error, kind)), "internal_error")


class Monitoring:
    """Opens and closes the record of a call.

    `observe` is called once with each closed record, after it was handed to the recorder: for metrics.
    """

    def __init__(
        self, recorder: Recorder, redactor: Redactor, clock: Clock, observe: Callable[[Record], None]
    ) -> None:
        self._recorder = recorder
        self._redactor = redactor
        self._clock = clock
        self._observe = observe

    async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None:
        self._recorder.reserve()
        record = call.record
        sent = record.sent

        async def observed(event: Event) -> None:
            await emit(event)
            if not sent.events:
                record.first_sent = self._clock.monotonic()
            sent.add(event)  # only what really left

        error: BaseException | None = None
        try:
            await inner(call, observed)
        except BaseException as caught:  # a cancelled call is a fact, too
            error = caught
            raise
        finally:
            self._close(call, error)  # no await, so it cannot be cut short

    def _close(self, call: Call, error: BaseException | None) -> None:
        outcome = outcome_of(error) if error is not None else "ok"
        record, content = call.record.close(outcome, self._clock.monotonic(), error)
        try:
            content = self._redactor.redact(content)
        except Exception:  # a broken redactor must not lose the record: only content is dropped
            log.exception("the redactor failed on call %s; its content is not kept", call.id)
            content = Content()
        self._recorder.submit(record, content)
        self._observe(record)
