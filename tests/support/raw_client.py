"""A client that speaks whatever bytes a test wants, and reads answers strictly."""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 10.0  # seconds a test may wait for what must come; never reached when all is well


@dataclass
class Response:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    chunks: list[bytes] = field(default_factory=list)
    head: bytes = b""


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: tuple[str, int], *, receive_buffer: int = 0) -> "RawClient":
        """Connect; a small *receive_buffer* makes a client that takes little at a time."""
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer or 2**16)
        return cls(reader, writer)

    def send(self, data: bytes) -> None:
        """Send without waiting."""
        self.writer.write(data)

    async def flush(self) -> None:
        """Wait until the bytes are on their way."""
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str], bytes]:
        """Read a response's head."""
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        lines = raw[:-4].split(b"\r\n")
        version, status, _ = lines[0].split(b" ", 2)
        assert version == b"HTTP/1.1", raw
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b": ")
            assert colon, f"{line!r} is no header line"
            assert b"\r" not in value
            assert b"\n" not in value
            assert name.decode() not in headers, f"{name!r} was sent twice"
            headers[name.decode()] = value.decode("latin-1")
        return int(status), headers, raw

    async def chunk(self) -> bytes:
        """Read one chunk; empty at the end of the body."""
        size = int(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE), 16)
        data = await asyncio.wait_for(self.reader.readexactly(size + 2), PATIENCE)
        assert data.endswith(b"\r\n")
        return data[:-2]

    async def response(self) -> Response:
        """Read one whole response."""
        status, headers, raw = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            chunks = []
            while piece := await self.chunk():
                chunks.append(piece)
            return Response(status, headers, b"".join(chunks), chunks, raw)
        if "content-length" in headers:
            size = int(headers["content-length"])
            return Response(status, headers, await asyncio.wait_for(self.reader.readexactly(size), PATIENCE))
        return Response(status, headers, await asyncio.wait_for(self.reader.read(), PATIENCE))

    async def ask(self, data: bytes) -> Response:
        """Send *data* and read one response."""
        self.send(data)
        return await self.response()

    async def ended(self) -> bytes:
        """Wait for the server to close; what it sent until then."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE)
        except ConnectionError:
            return b""
        finally:
            self.writer.close()

    def close(self) -> None:
        """Leave in good order."""
        self.writer.close()

    def reset(self) -> None:
        """Leave with a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def get(path: str, *headers: str, host: str = "test") -> bytes:
    """The bytes of a GET request."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(path: str, body: bytes, *headers: str) -> bytes:
    """The bytes of a POST request with its length."""
    lines = [f"POST {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


async def until(fact: Callable[[], object]) -> None:
    """Let the loop turn until *fact* holds."""
    async with asyncio.timeout(PATIENCE):
        while not fact():
            await asyncio.sleep(0.001)
