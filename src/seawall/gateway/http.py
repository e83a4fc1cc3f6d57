"""The HTTP/1.1 server: listens, hands connections to `Connection`, drains."""

import asyncio
import socket

from seawall.core.ports import Clock
from seawall.gateway.connection import Connection, Shared
from seawall.gateway.heads import DateLine
from seawall.gateway.reader import Face, Limits

VERBS = frozenset((b"GET", b"POST"))

_FAREWELL = 1.0  # seconds in which clients may take their last bytes before they are dropped


class Server:
    """Serves *face* on one listening socket.

    Either *host* and *port* (0: any free one) or an inherited, bound *sock*. Methods other than *verbs*
    are refused with 405.
    """

    def __init__(
        self,
        face: Face,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        sock: socket.socket | None = None,
        limits: Limits | None = None,
        verbs: frozenset[bytes] = VERBS,
    ) -> None:
        self._face = face
        self._clock = clock
        self._host, self._port, self._sock = host, port, sock
        self._limits = limits or Limits()
        self._verbs = verbs
        self._connections: set[Connection] = set()
        self._shared: Shared | None = None
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises `OSError` when the address cannot be had."""
        loop = asyncio.get_running_loop()
        shared = Shared(
            self._face,
            self._limits,
            self._clock,
            loop,
            self._verbs,
            DateLine(self._clock),
            self._connections,
        )
        self._shared = shared

        def connect() -> Connection:
            return Connection(shared)

        if self._sock is not None:
            self._listener = await loop.create_server(connect, sock=self._sock, backlog=2048)
        else:
            self._listener = await loop.create_server(connect, self._host, self._port, backlog=2048)

        for listening in self._listener.sockets:
            # Inherited by the connections. Without it the kernel takes megabytes for a client that does not
            # read, and lets us see only in large steps that a slow one does.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, self._limits.kernel_buffer)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        if self._listener is None:
            raise RuntimeError("the server has not been started")
        name = self._listener.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    @property
    def in_flight(self) -> int:
        """How many requests are being answered."""
        return sum(connection.busy for connection in self._connections)

    async def drain(self, grace: float) -> None:
        """Stop: take no more, let what is under way finish for *grace* seconds, then end it with an error.

        When this returns, every handler is over and every connection closed.
        """
        if self._listener is None or self._shared is None:
            return
        self._shared.draining = True
        self._listener.close()
        for connection in tuple(self._connections):
            connection.retire()
        await self._emptied(grace)
        for connection in tuple(self._connections):
            connection.expire()
        await self._emptied(_FAREWELL)
        await self.close()

    async def close(self) -> None:
        """Stop at once: connections are dropped and their handlers cancelled, and waited for."""
        if self._listener is None or self._shared is None:
            return
        self._shared.draining = True
        self._listener.close()
        for connection in tuple(self._connections):
            connection.abort()
        await self._emptied(None)

    async def _emptied(self, seconds: float | None) -> None:
        """Wait until no connection is left, *seconds* at most (`None`: as long as it takes)."""
        if not self._connections:
            return
        assert self._shared is not None  # noqa: S101  # only called once started
        done = self._shared.loop.create_future()

        def settle() -> None:
            if not done.done():
                done.set_result(None)

        self._shared.when_empty = settle
        timer = None
        if seconds is not None:
            timer = self._clock.call_at(self._clock.monotonic() + seconds, settle)
        try:
            await done
        finally:
            self._shared.when_empty = None
            if timer is not None:
                timer.cancel()
