"""`HttpClient`: requests to one origin over connections kept open. HTTP/1.1, no redirects, no proxy."""

import ssl
from collections.abc import Awaitable
from types import TracebackType
from typing import Self

from seawall.transport.address import Resolve, parse_base_url, resolve_with_system
from seawall.transport.connection import Connection
from seawall.transport.pool import Pool
from seawall.transport.tls import require_verification, trusting


class HttpClient:
    """Talks to the provider at *base_url*. Raises `ProviderError` and nothing else for what goes wrong there:

    `connect_failed`       no connection within *connect_timeout* seconds: name, refusal, TLS
    `unavailable`          the connection was lost before any byte of the answer
    `stream_interrupted`   it was lost after that, before the answer's end
    `protocol_error`       the answer is not HTTP, contradicts itself, is encoded, or goes beyond a limit

    Connecting is all that has a time limit here. Leaving an exchange, or being cancelled in it, closes its
    connection unless the answer had come to its end; so no answer can ever reach another request.

    *keepalive* is how long an idle connection is kept, in seconds; a server that announces less gets less.
    *ca_file* (PEM) replaces the system's authorities; *ssl_context* replaces the whole set-up, but has to
    verify. *resolve* replaces the system's name resolution. Belongs to the event loop it is first used in.
    Raises `ValueError` at once for a configuration that cannot work.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float = 3.0,
        keepalive: float = 30.0,
        max_idle: int = 256,
        ca_file: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        origin = parse_base_url(base_url)
        if not origin.tls and (ca_file or ssl_context):
            raise ValueError(
                f"base_url {base_url!r} does not use TLS: drop ca_file and ssl_context, or use https://"
            )
        if ca_file and ssl_context:
            raise ValueError("ca_file and ssl_context exclude each other: load the file into the context")
        if origin.tls:
            ssl_context = require_verification(ssl_context) if ssl_context else trusting(ca_file)
        self.origin = str(origin)
        """Scheme, host and port."""
        self.prefix = origin.prefix
        """The path of the base URL without trailing slash, `b""` for none: begin request paths with it."""
        self._pool = Pool(
            origin,
            connect_timeout=connect_timeout,
            keepalive=keepalive,
            max_idle=max_idle,
            ssl_context=ssl_context,
            resolve=resolve or resolve_with_system,
        )
        self._middle = f" HTTP/1.1\r\nhost: {origin.authority}\r\naccept-encoding: identity\r\n".encode()
        self._checked_path = b""  # the last one found good: callers have few, and keep them

    def exchange(self, method: bytes, path: bytes, headers: bytes, body: bytes) -> "Response":
        """Send a request; `async with` waits for the head of the answer and gives the `Response`.

        *path* is complete, with prefix and query. *headers* is a ready block of `b"name: value\\r\\n"`
        lines; host, accept-encoding and content-length are added and must not be in it. Not for HEAD and
        CONNECT, whose answers are framed differently. Raises `ValueError` for what would not be one request.
        """
        if path is not self._checked_path:
            if path.split() != [path]:
                raise ValueError(f"path {path!r} is empty or holds white space: percent-encode it")
            self._checked_path = path
        if headers and (headers[-2:] != b"\r\n" or headers[0] <= 32 or headers.find(b"\n\r") >= 0):
            raise ValueError("headers must be lines that each end with CRLF, and no empty line")
        head = b"%b %b%b%bcontent-length: %d\r\n\r\n" % (method, path, self._middle, headers, len(body))
        return Response(self._pool, head, body)

    @property
    def idle(self) -> int:
        """Connections that are kept open and not in use."""
        return len(self._pool.idle)

    @property
    def active(self) -> int:
        """Exchanges under way, those that still connect included."""
        return self._pool.active

    async def close(self) -> None:
        """Close every connection, those in use included. On return no socket is open."""
        await self._pool.close()


class Response:
    """One exchange, to be used with `async with`, once."""

    __slots__ = ("_body", "_connection", "_head", "_pool", "headers", "status")

    def __init__(self, pool: Pool, head: bytes, body: bytes) -> None:
        self._pool = pool
        self._head = head
        self._body = body
        self._connection: Connection | None = None
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        """Names in lower case; values of a repeated name are joined by a comma."""

    async def __aenter__(self) -> Self:
        head, self._head = self._head, b""
        if not head:
            raise RuntimeError("an exchange can be entered once; make a new one")
        pool = self._pool
        self._connection = connection = pool.reuse() or await pool.connect()
        reader = connection.reader
        try:
            connection.send(head, self._body)
            self._body = b""  # it may be large, and the answer may take minutes
            while not reader.begun:
                await connection.more()
            if reader.fault:
                connection.check()
        except BaseException:
            self._leave()
            raise
        self.status = reader.status
        self.headers = reader.headers
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def read(self, limit: int) -> Awaitable[bytes]:
        """The body, or what is left of it. More than *limit* bytes are a `ProviderError` `protocol_error`."""
        if self._connection is None:
            raise RuntimeError("a response can only be read inside its `async with`")
        return self._connection.read(limit)

    def chunk(self) -> Awaitable[bytes]:
        """The next bytes of the body, as soon as there are any; `b""` at its end."""
        if self._connection is None:
            raise RuntimeError("a response can only be read inside its `async with`")
        return self._connection.chunk()

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)
