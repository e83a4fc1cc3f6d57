"""A server that says byte for byte what a test tells it to say, and breaks off as it is told.

async def script(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\\r\\ncontent-length: 100\\r\\n\\r\\nhalf")
    peer.reset()

async with RawServer(script) as server:
    ... server.url ...
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Self


def answer(body: bytes = b"{}", status: str = "200 OK", *lines: str, chunked: bool = False) -> bytes:
    """A response with *body*, framed by its length or as chunks of at most seven bytes."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines))
    if not chunked:
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return f"{head}transfer-encoding: chunked\r\n\r\n".encode() + framed + b"0\r\n\r\n"


class Peer:
    """One connection as the server sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        """0 for the server's first connection."""
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request, head and body; `b""` when the client has closed instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            return head + await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return b""

    async def send(self, data: bytes) -> None:
        """Send; returns when the kernel has most of it, or nobody listens any more."""
        if self.writer.transport.is_closing():
            return
        self.writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def send_bytewise(self, data: bytes, size: int = 1) -> None:
        """Send *size* bytes at a time and let the other side run in between."""
        for at in range(0, len(data), size):
            await self.send(data[at : at + size])
            for _ in range(3):
                await asyncio.sleep(0)

    async def gone(self) -> None:
        """Wait until the client has closed."""
        try:
            while await self.reader.read(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass

    def half_close(self) -> None:
        """Say that nothing more will come, and go on reading."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Break off with a reset, as a crashed host or a firewall does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class RawServer:
    """Plays *script* on each connection to a port of the loopback; ends them all when it is left.

    What a script raises fails the test at the end of the `async with`.
    """

    def __init__(
        self, script: Callable[[Peer], Awaitable[None]], *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._script = script
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self.accepted = 0
        """Connections so far (with TLS: those whose handshake succeeded)."""
        self.peers: set[Peer] = set()
        """Those whose script still runs; its end closes the connection in good order."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._failures:
            raise self._failures[0]

    @property
    def url(self) -> str:
        """Where it listens; with TLS under the name that its good certificate has."""
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(self.accepted, reader, writer)
        self.accepted += 1
        self.peers.add(peer)
        try:
            await self._script(peer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the server is being left
        except BaseException as error:  # noqa: BLE001  # raised at the end of the `async with`
            self._failures.append(error)
        finally:
            self.peers.discard(peer)
            self._tasks.discard(task)
            writer.close()


class Certificates(NamedTuple):
    """PEM files, made by `make_certificates`; each of the server's holds its key as well."""

    ca: Path
    good: Path
    expired: Path
    wrong_host: Path
    self_signed: Path


def make_certificates(directory: Path) -> Certificates:
    """An authority and server certificates for every kind of trouble, by the `openssl` command."""

    def openssl(*words: str) -> None:
        subprocess.run(("openssl", *words), cwd=directory, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
    for name, host, days in (
        ("good", "localhost", "2"),
        ("expired", "localhost", "0"),
        ("wrong_host", "x.test", "2"),
    ):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        (directory / "san").write_text(f"subjectAltName=DNS:{host}\n")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", days, "-extfile", "san", "-out", f"{name}.crt"),
        )
    openssl(
        *("req", "-x509", *key, "-keyout", "self_signed.key", "-out", "self_signed.crt", "-days", "2"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
    )
    names = ("good", "expired", "wrong_host", "self_signed")
    for name in names:
        both = (directory / f"{name}.crt").read_text() + (directory / f"{name}.key").read_text()
        (directory / f"{name}.pem").write_text(both)
    return Certificates(directory / "ca.pem", *(directory / f"{name}.pem" for name in names))


def server_tls(certificate: Path, *, outdated: bool = False) -> ssl.SSLContext:
    """A server's context; *outdated* speaks nothing newer than TLS 1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return _outdate(context) if outdated else context


def client_tls(ca: Path, *, outdated: bool = False) -> ssl.SSLContext:
    """A client's context that believes *ca*; *outdated* speaks nothing newer than TLS 1.1."""
    context = ssl.create_default_context(cafile=ca)
    return _outdate(context) if outdated else context


def _outdate(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
