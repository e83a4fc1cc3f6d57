"""The compiled, immutable feature: what a spec became, ready to be called."""

import os
import random
from collections.abc import Callable

from msgspec import Struct

from seawall.core.call import Call, Principal
from seawall.core.handler import Handler
from seawall.core.ports import Clock
from seawall.core.record import CallRecord
from seawall.core.request import ChatRequest


class Feature(Struct, frozen=True):
    """One LLM use: a handler with all its layers around it, and the facts every call of it carries."""

    name: str
    digest: str
    request_type: str
    total: float
    """Seconds a call may take, everything included."""
    targets: tuple[str, ...]
    handler: Handler
    owner: str = ""
    passthrough: bool = False

    def open_call(
        self, request: ChatRequest, principal: Principal, *, dialect: str, correlation_id: str, clock: Clock
    ) -> Call:
        """A new call of this feature, its deadline running and its record open."""
        at, now = clock.wall(), clock.monotonic()
        call_id = new_id(at)
        record = CallRecord(
            id=call_id,
            at=at,
            started=now,
            feature=self.name,
            digest=self.digest,
            request_type=self.request_type,
            tenant=principal.tenant,
            key_id=principal.key_id,
            dialect=dialect,
            correlation_id=correlation_id or call_id,
            asked=request,
        )
        return Call(call_id, self.name, principal, request, now + self.total, record)


_RANDOM = random.Random(os.urandom(16))  # noqa: S311  # ids are not secrets: they must only differ


def new_id(at: float, bits: Callable[[int], int] = _RANDOM.getrandbits) -> str:
    """An id that sorts by time (milliseconds first), 25 characters, 56 random bits."""
    return f"{int(at * 1000):011x}{bits(56):014x}"
