"""The reference: a relay that checks nothing, `python bench/relay.py PORT UPSTREAM_PORT`.

It parses HTTP on both sides with httptools on uvloop, keeps connections upstream, and hands bodies on as
they come: no key, no JSON, no record, no time limit, no task per request. It is the least that a gateway
in this language can do, so a gateway's figures are given in relation to it.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop


class Upstream(asyncio.Protocol):
    """One connection to the provider, used for one request after the other."""

    transport: asyncio.Transport

    def __init__(self, idle: list["Upstream"]) -> None:
        self._idle = idle
        self._client: Client | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._type = self._length = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._idle:
            self._idle.remove(self)
        if self._client is not None:
            self._client.transport.abort()

    def ask(self, client: "Client", request: bytes) -> None:
        self._client = client
        self.transport.write(request)

    def leave(self) -> None:
        """The client is gone: so is this connection, with whatever was still to come."""
        self._client = None
        self.transport.abort()

    # Called by the parser.

    def on_message_begin(self) -> None:
        self._type = self._length = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered == b"content-type":
            self._type = value
        elif lowered == b"content-length":
            self._length = value

    def on_headers_complete(self) -> None:
        framing = b"content-length: %b" % self._length if self._length else b"transfer-encoding: chunked"
        self._send(
            b"HTTP/1.1 %d Relayed\r\ncontent-type: %b\r\n%b\r\n\r\n"
            % (self._parser.get_status_code(), self._type, framing)
        )

    def on_body(self, body: bytes) -> None:
        self._send(body if self._length else b"%x\r\n%b\r\n" % (len(body), body))

    def on_message_complete(self) -> None:
        if not self._length:
            self._send(b"0\r\n\r\n")
        client, self._client = self._client, None
        self._idle.append(self)
        if client is not None:
            client.upstream = None

    def _send(self, data: bytes) -> None:
        if self._client is not None:
            self._client.transport.write(data)


class Client(asyncio.Protocol):
    """One connection from a client."""

    transport: asyncio.Transport

    def __init__(self, port: int, idle: list[Upstream]) -> None:
        self._port = port
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None
        self.upstream: Upstream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self.upstream is not None:
            self.upstream.leave()

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        request = (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (self._port, len(body), body)
        )
        if self._idle:
            self.upstream = self._idle.pop()
            self.upstream.ask(self, request)
        else:
            self._connecting = self._loop.create_task(self._connect(request))

    async def _connect(self, request: bytes) -> None:
        _, upstream = await self._loop.create_connection(
            lambda: Upstream(self._idle), "127.0.0.1", self._port
        )
        self._connecting = None
        self.upstream = upstream
        upstream.ask(self, request)


async def serve(port: int, upstream_port: int) -> None:
    """Relay from *port* to *upstream_port*, both on the loopback interface, until cancelled."""
    idle: list[Upstream] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(upstream_port, idle), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
