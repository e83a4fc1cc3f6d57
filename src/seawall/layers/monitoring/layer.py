"""The outermost layer: every call leaves exactly one record, however it ends."""

import asyncio

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
from seawall.core.record import Outcome
from seawall.layers.monitoring.closing import Closing, Finished

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
    """Opens and closes the record of a call."""

    def __init__(self, recorder: Recorder, redactor: Redactor, clock: Clock, closing: Closing) -> None:
        self._recorder = recorder
        self._redactor = redactor
        self._clock = clock
        self._closing = closing

    async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None:
        self._recorder.reserve()
        record = call.record
        sent = record.sent
        add = sent.add

        async def observed(event: Event) -> None:
            await emit(event)
            if not sent.events:
                record.first_sent = self._clock.monotonic()
            add(event)  # only what really left

        error: BaseException | None = None
        outcome: Outcome = "ok"
        try:
            await inner(call, observed)
        except BaseException as caught:  # a cancelled call is a fact, too
            error = caught
            outcome = outcome_of(caught)
            raise
        finally:  # no await, so it cannot be cut short
            self._closing.add(Finished(record, outcome, self._clock.monotonic(), error, self._redactor))
