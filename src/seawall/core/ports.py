"""What can be plugged in: narrow protocols, each taking one frozen object so that fields can be added."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from seawall.core.events import Event
from seawall.core.record import Content, Record
from seawall.core.request import ChatRequest


class Timer(Protocol):
    """A callback that will run, unless it is cancelled."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time as the code sees it, so that tests can own it."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    def wall(self) -> float:
        """Unix seconds."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run *callback* once `monotonic()` reaches *when*."""
        ...

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait."""
        ...


class ProviderRequest(Struct, frozen=True):
    """One attempt, as a provider needs to know it."""

    chat: ChatRequest
    """`chat.model` is what the caller named; send `model` instead."""
    model: str
    call_id: str
    correlation_id: str
    timeout: float
    """Seconds left to this attempt; passed on upstream. The caller of `open` enforces it."""


class ProviderStream(Protocol):
    """The events of one answer as they are pulled, and what is known of the exchange."""

    upstream_request_id: str
    upstream_status: int

    def __aiter__(self) -> "ProviderStream": ...

    async def __anext__(self) -> Event: ...


class Provider(Protocol):
    """Speaks one vendor's protocol.

    `open` sends the request and yields the answer's events; leaving the context early, for whatever
    reason, closes the upstream connection so that the vendor stops billing. It raises only
    `ProviderError`; anything else that happens inside the `async with` belongs to somebody else and
    passes through unchanged. Retries are not its business.
    """

    def open(self, request: ProviderRequest) -> AbstractAsyncContextManager[ProviderStream]: ...


class Redactor(Protocol):
    """Takes out of a finished call what must not be kept, before anything is stored."""

    def redact(self, content: Content) -> Content:
        """The content as it may be stored. Runs on the response path: must be fast, must not block."""
        ...

    def redact_text(self, text: str) -> str:
        """A text of the record itself (an error's message, say) as it may be stored."""
        ...


class Recorder(Protocol):
    """Where finished calls go."""

    def reserve(self) -> None:
        """Take a place for one record, or raise `Overloaded`: a call that cannot be recorded is not begun."""
        ...

    def submit(self, record: Record, content: Content) -> None:
        """Hand over a finished call. Synchronous and quick; never raises; gives the place back."""
        ...


class StoredCall(Struct, frozen=True):
    """A recorded call as it is read back."""

    record: Record
    content: Content | None
    """`None` once its retention is over."""


class CallQuery(Struct, frozen=True):
    """Which recorded calls are wanted; every condition that is set must hold."""

    since: float | None = None
    until: float | None = None
    feature: str = ""
    outcome: str = ""
    tenant: str = ""
    key_id: str = ""
    model: str = ""
    """The served model."""
    text: str = ""
    """Words that occur in what was said; all of them."""
    limit: int = 50
    before: tuple[float, str] | None = None
    """Page on: only calls older than this (`at`, `id`)."""


class ApiKey(Struct, frozen=True):
    """A key of ours as it is stored: never the key itself, only its keyed hash."""

    id: str
    digest: bytes
    tenant: str
    name: str
    created: float
    features: tuple[str, ...] | None = None
    admin: bool = False
    expires: float | None = None
    revoked: float | None = None


class Store(Protocol):
    """What is kept. One implementation on SQL serves SQLite and PostgreSQL.

    Methods block; they are called from threads that may. All of them raise `StoreError` and nothing else.
    """

    def migrate(self) -> None:
        """Bring the schema to this version; refuse a newer one."""
        ...

    def add_calls(self, calls: Sequence[tuple[Record, Content | None]]) -> None:
        """Keep finished calls, all or none. A call that is already there (same id) is left as it is."""
        ...

    def find_calls(self, query: CallQuery) -> list[Record]:
        """Records that meet *query*, newest first."""
        ...

    def get_call(self, call_id: str, tenant: str = "") -> StoredCall | None:
        """One call by its id; of *tenant* only, when that is given."""
        ...

    def add_key(self, key: ApiKey) -> None: ...

    def revoke_key(self, key_id: str, at: float) -> bool:
        """Whether there was such a key, not revoked before."""
        ...

    def list_keys(self) -> list[ApiKey]: ...

    def close(self) -> None: ...


class ModelInfo(Struct, frozen=True):
    """A name that callers may put into `model`."""

    id: str
    owned_by: str
    created: int
    """Unix seconds."""
