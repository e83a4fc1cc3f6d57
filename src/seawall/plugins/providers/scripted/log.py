"""What the scripted provider has received, and how each request ended."""

from collections import deque
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Outcome = Literal["waiting", "answering", "finished", "closed_by_client", "ended_by_fault", "stopped"]
"""waiting: for its turn; ended_by_fault: cut off as a fault said; stopped: the server was closed."""


class Received(Struct):
    """One request."""

    number: int
    """From 1, in the order of arrival."""
    at: float
    """Wall-clock seconds."""
    method: str
    path: str
    headers: dict[str, str]
    """All of them, with names in lower case."""
    body: bytes
    connection: int
    """From 1; requests on the same kept-alive connection share it."""
    keeps_alive: bool = True
    """Whether the client lets the connection be used again."""
    model: str = ""
    faults: tuple[str, ...] = ()
    status: int = 0
    outcome: Outcome = "waiting"
    ended_at: float | None = None
    """Wall-clock seconds; for `closed_by_client` the moment at which the client was seen to be gone."""
    written: int = 0
    """Bytes that were written in answer to it."""


class RequestLog:
    """The latest requests, bounded in number and in bytes of their bodies."""

    def __init__(self, most: int = 1000, most_bytes: int = 64 << 20) -> None:
        self._entries: deque[Received] = deque()
        self._most, self._most_bytes = most, most_bytes
        self._bytes = 0

    def add(self, entry: Received) -> None:
        """Keep *entry*, and let the oldest go where there are too many."""
        self._entries.append(entry)
        self._bytes += len(entry.body)
        while len(self._entries) > 1 and (len(self._entries) > self._most or self._bytes > self._most_bytes):
            self._bytes -= len(self._entries.popleft().body)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
        self._bytes = 0

    def __iter__(self) -> Iterator[Received]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Received:
        return self._entries[index]


class Counters(Struct):
    """What the server has done since it was made."""

    connections: int = 0
    """Accepted, refused ones included."""
    open_connections: int = 0
    received: int = 0
    started: int = 0
    """Requests to which an answer was begun."""
    finished: int = 0
    """Answers that were written to their end."""
    aborted: int = 0
    """Answers that a fault, the client or the closing of the server cut off."""
    active: int = 0
    """Answers under way now."""
    most_active: int = 0
    waiting: int = 0
