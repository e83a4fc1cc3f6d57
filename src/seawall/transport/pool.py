"""The connections to one origin: made when needed, kept while idle, closed when old or unclean."""

import asyncio
import re
import ssl

from seawall.core.errors import ProviderError
from seawall.transport.address import Origin, Resolve
from seawall.transport.connection import Connection

_TIMEOUT = re.compile(rb"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)


class Pool:
    """Belongs to the event loop it is first used in.

    Idle connections are reused newest first, so that a quiet time lets the others grow old and go.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        connect_timeout: float,
        keepalive: float,
        max_idle: int,
        ssl_context: ssl.SSLContext | None,
        resolve: Resolve,
    ) -> None:
        self._origin = origin
        self._connect_timeout = connect_timeout
        self._keepalive = keepalive
        self._max_idle = max_idle
        self._ssl_context = ssl_context
        self._resolve = resolve
        self._good_address = ""  # the one that answered last: tried first, so that a dead one costs but once
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Future[None] | None = None
        self._closed = False
        self.idle: dict[Connection, None] = {}  # in the order in which they became idle
        self.active = 0
        """Exchanges under way, those that still connect included."""

    def reuse(self) -> Connection | None:
        """An idle connection that is not known to be closed or too old; it becomes active."""
        idle = self.idle
        while idle:
            connection, _ = idle.popitem()
            if connection.closed:
                continue
            if connection.expires > asyncio.get_running_loop().time():
                self.active += 1
                return connection
            connection.abort()
        return None

    async def connect(self) -> Connection:
        """A new connection, active from the start. Raises `ProviderError` `connect_failed`."""
        if self._closed:
            raise self._failure(["the client is closed"])
        self.active += 1
        try:
            return await self._connect()
        except BaseException:
            self.active -= 1
            raise

    def release(self, connection: Connection) -> None:
        """The exchange on *connection* is over: keep it if it is clean, else see it closed."""
        self.active -= 1
        if not connection.finish():
            return
        life = self._keepalive
        hint = connection.reader.headers.get(b"keep-alive")
        if hint is not None and (said := _TIMEOUT.search(hint)):
            life = min(life, int(said[1]) - 1.0)  # before the server does it: no race to lose
        if self._closed or life <= 0 or len(self.idle) >= self._max_idle:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.expires = loop.time() + life
        self.idle[connection] = None
        if self._sweeper is None:
            self._sweeper = loop.call_later(life, self._sweep)

    async def close(self) -> None:
        """Close everything, exchanges under way included; no socket is open any more on return."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in self._open:
            connection.abort()
        while self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each in self.idle if each.expires <= now]:
            del self.idle[connection]
            connection.abort()
        next_end = min((each.expires for each in self.idle), default=None)
        self._sweeper = None if next_end is None else loop.call_at(next_end, self._sweep)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self.idle.pop(connection, None)
        if not self._open and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._connect_timeout
        try:
            async with asyncio.timeout_at(end):
                addresses = await self._addresses()
        except OSError as error:
            raise self._failure([self._describe(error)]) from error
        trouble = []
        for number, address in enumerate(addresses):
            try:  # each address has its share of the time, so that a silent one leaves some to the next
                async with asyncio.timeout((end - loop.time()) / (len(addresses) - number)):
                    connection = await self._attempt(address)
            except OSError as error:
                trouble.append(f"{address}: {self._describe(error)}")
                continue
            if self._closed:
                connection.abort()
                raise self._failure(["the client was closed meanwhile"])
            self._good_address = address
            return connection
        raise self._failure(trouble or ["the host has no address"])

    async def _addresses(self) -> list[str]:
        found = list(await self._resolve(self._origin.host, self._origin.port))
        if self._good_address in found:
            found.remove(self._good_address)
            found.insert(0, self._good_address)
        return found

    async def _attempt(self, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        origin = self._origin
        connection = Connection(loop, made=self._open.add, lost=self._lost)
        try:
            await loop.create_connection(
                lambda: connection,
                address,
                origin.port,
                ssl=self._ssl_context,
                server_hostname=origin.host if origin.tls else None,
            )
        except BaseException:
            connection.abort()  # cancelled with the handshake just over, it would be nobody's
            self._open.discard(connection)  # uvloop does not report the loss of such a one
            raise
        return connection

    def _failure(self, trouble: list[str]) -> ProviderError:
        hint = f"connect to {self._origin}: {'; '.join(trouble)}"
        return ProviderError("connect_failed", "the provider could not be reached", hint=hint)

    def _describe(self, error: OSError) -> str:
        if isinstance(error, TimeoutError) and not str(error):
            return f"no answer in time (connect_timeout is {self._connect_timeout} s)"
        return f"{type(error).__name__}: {error}"
