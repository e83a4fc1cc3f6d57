"""`StrictEmit`: the stream contract of `seawall.core.handler`, checked event by event."""

from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartEnd, PartStart
from seawall.core.handler import Emit


class ContractBroken(AssertionError):
    """A layer or a provider broke the stream contract: a bug, never a caller's fault."""


class StrictEmit:
    """Wraps an `emit` and refuses whatever the contract forbids."""

    def __init__(self, emit: Emit, who: str) -> None:
        self._emit = emit
        self._who = who
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._started = self._ended = self._closed = self._busy = False

    async def __call__(self, event: Event) -> None:
        if self._busy:
            self._fail(f"emitted {event!r} while another emit was under way")
        if self._closed:
            self._fail(f"emitted {event!r} after its handler was over")
        self._check(event)
        self._busy = True
        try:
            await self._emit(event)
        finally:
            self._busy = False

    def _check(self, event: Event) -> None:
        if self._ended:
            self._fail(f"emitted {event!r} after MessageEnd")
        if isinstance(event, MessageStart):
            if self._started:
                self._fail("emitted a second MessageStart")
            self._started = True
            return
        if not self._started:
            self._fail(f"emitted {event!r} before MessageStart")
        match event:
            case PartStart(index=index):
                if index in self._seen:
                    self._fail(f"started part {index} twice")
                self._seen.add(index)
                self._open.add(index)
            case PartDelta(index=index):
                if index not in self._open:
                    self._fail(f"emitted a delta of part {index}, which is not open")
            case PartEnd(index=index):
                if index not in self._open:
                    self._fail(f"ended part {index}, which is not open")
                self._open.discard(index)
            case MessageEnd():
                if self._open:
                    self._fail(f"ended the message with parts {sorted(self._open)} still open")
                self._ended = True

    def close(self, *, failed: bool) -> None:
        """The handler returned (or raised): after this nothing may come."""
        self._closed = True
        if not failed and not self._ended:
            self._fail("returned without MessageEnd")

    def _fail(self, what: str) -> None:
        raise ContractBroken(f"{self._who} {what}")
