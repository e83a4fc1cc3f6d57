import asyncio
import socket

import pytest

from seawall.transport.address import Origin, parse_base_url, probe, resolve_with_system


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("https://api.example.com/v1/", Origin(True, "api.example.com", 443, b"/v1"), "api.example.com"),
        ("http://127.0.0.1:8000", Origin(False, "127.0.0.1", 8000, b""), "127.0.0.1:8000"),
        ("HTTPS://API.Example.COM:443/a/b", Origin(True, "api.example.com", 443, b"/a/b"), "api.example.com"),
        ("http://host:443/", Origin(False, "host", 443, b""), "host:443"),
        ("http://[::1]:9/v1", Origin(False, "::1", 9, b"/v1"), "[::1]:9"),
    ],
)
def test_a_base_url_is_taken_apart(url: str, origin: Origin, authority: str) -> None:
    assert parse_base_url(url) == origin
    assert origin.authority == authority


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("api.example.com/v1", "must begin with http"),
        ("ftp://host/", "must begin with http"),
        ("https:///v1", "name a host"),
        ("https://host/v1?key=1", "without query"),
        ("https://host/v1#x", "without query"),
        ("https://host/a b", "plain ASCII"),
        ("https://host\\@evil/", "user name"),
        ("https://host\\evil/", "plain ASCII"),
        ("https://h\u00f6st/", "plain ASCII"),
        ("https://a..b/", "label"),
        ("https://host:99999/", "out of range"),
        ("https://host:0/", "port 0"),
        ("https://host:x/", "Port could not"),
    ],
)
def test_what_is_no_base_url_is_refused_by_name(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_base_url(url)


def test_a_password_in_a_base_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="user name or password") as refusal:
        parse_base_url("https://me:hunter2@host/v1")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(("host", "found"), [("127.0.0.1", ["127.0.0.1"]), ("::1", ["::1"])])
def test_an_address_resolves_to_itself(host: str, found: list[str]) -> None:
    assert asyncio.run(resolve_with_system(host, 1)) == found


def test_localhost_resolves_without_repetition() -> None:
    found = asyncio.run(resolve_with_system("localhost", 80))
    assert found
    assert len(set(found)) == len(found)


def test_probes_are_on() -> None:
    with socket.socket() as sock:
        probe(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
