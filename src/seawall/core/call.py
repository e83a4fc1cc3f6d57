"""One call: who asks what of which feature, until when."""

from msgspec import Struct

from seawall.core.record import CallRecord
from seawall.core.request import ChatRequest


class Principal(Struct, frozen=True):
    """Who calls, and what they may call. There is no anonymous principal."""

    key_id: str
    tenant: str
    name: str = ""
    features: frozenset[str] | None = None
    """Names of the features this key may use; `None` means all of its tenant's."""
    admin: bool = False

    def may_use(self, feature: str) -> bool:
        """Whether this key may call *feature*."""
        return self.features is None or feature in self.features


class Call(Struct, frozen=True):
    """A request on its way inwards, and the record it leaves. A layer that changes it passes on a copy."""

    id: str
    feature: str
    principal: Principal
    request: ChatRequest
    deadline: float
    """When the whole call must be over, on the monotonic clock, in seconds."""
    record: CallRecord
    held: bool = False
    """Whether a layer holds the answer back until it is whole; then a failed attempt can be replaced."""
