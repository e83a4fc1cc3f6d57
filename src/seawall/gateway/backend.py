"""What the gateway needs of the rest of the house."""

from typing import Any, Protocol

from seawall.core.call import Call, Principal
from seawall.core.handler import Handler
from seawall.core.ports import ModelInfo
from seawall.core.request import ChatRequest


class Backend(Protocol):
    """The running application, as its HTTP face sees it. Nothing here waits."""

    def authenticate(self, key: bytes) -> Principal:
        """Whose *key* this is. Raises `Unauthorized`."""
        ...

    def admit(
        self, request: ChatRequest, principal: Principal, *, dialect: str, correlation_id: str
    ) -> tuple[Call, Handler]:
        """Make the call and find who answers it. *correlation_id* is the client's, or empty.

        Raises `UnknownFeature`, `Forbidden`, `Overloaded`.
        """
        ...

    def models(self, principal: Principal) -> list[ModelInfo]:
        """What *principal* may call."""
        ...

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether calls can be served, and why, for administrators. Calls no model."""
        ...

    def metrics(self) -> bytes:
        """The metrics in Prometheus' text format."""
        ...
