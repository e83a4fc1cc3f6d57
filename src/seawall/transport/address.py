"""Where a provider is: its base URL taken apart, and its host name turned into addresses."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host and port, best first; raises `OSError` when there are none."""


class Origin(NamedTuple):
    """Scheme, host and port, and the path under which the API lives."""

    tls: bool
    host: str
    """As it is resolved and verified: ASCII, lower case, an IPv6 address without brackets."""
    port: int
    prefix: bytes
    """Without a trailing slash; `b""` for none."""

    @property
    def authority(self) -> str:
        """The value of the `host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"


def parse_base_url(url: str) -> Origin:
    """Take *url* apart; raises `ValueError` when it is not a plain `http(s)://host[:port][/path]`."""
    parts = urlsplit(url)
    if "@" in parts.netloc:  # not shown: it may hold a password
        raise ValueError("base_url must not hold a user name or password; give the key as the API key")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url {url!r} must begin with http:// or https:// and name a host")
    if "?" in url or "#" in url:
        raise ValueError(f"base_url {url!r} must end with its path, without query or fragment")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError(f"base_url {url!r} must be plain ASCII; write an international host name as xn--…")
    try:
        parts.hostname.encode("idna")  # as the resolver will: refuses empty and overlong labels
        port = parts.port
    except ValueError as error:
        raise ValueError(f"base_url {url!r}: {error}") from None
    if port == 0:
        raise ValueError(f"base_url {url!r}: port 0 cannot be reached")
    tls = parts.scheme == "https"
    return Origin(tls, parts.hostname, port or (443 if tls else 80), parts.path.rstrip("/").encode())


def probe(sock: socket.socket) -> None:
    """Have the kernel ask now and then whether the other side is still there.

    A model may think for minutes without a byte: address translators forget such connections, and without
    probes neither side would ever learn of it.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):  # they differ by operating system
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def resolve_with_system(host: str, port: int) -> list[str]:
    """The addresses the operating system knows, in its order. Nothing is remembered."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
