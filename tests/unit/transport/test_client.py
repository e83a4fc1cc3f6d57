import asyncio
import ssl

import pytest

from seawall.transport.client import HttpClient

from tests.support.raw_server import Peer, RawServer, answer


def test_the_request_is_the_callers_plus_host_encoding_and_length() -> None:
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            heard.append(request)
            await peer.send(answer())

    async def main() -> None:
        async with RawServer(script) as server:
            client = HttpClient(server.url + "/v1/")
            assert (client.origin, client.prefix) == (server.url, b"/v1")
            for method, body in ((b"POST", b"[1]"), (b"GET", b"")):
                async with client.exchange(method, client.prefix + b"/x?y=1", b"a: b\r\nC: d\r\n", body):
                    pass
            host = f"host: 127.0.0.1:{server.port}\r\naccept-encoding: identity\r\na: b\r\nC: d\r\n".encode()
            assert heard == [
                b"POST /v1/x?y=1 HTTP/1.1\r\n" + host + b"content-length: 3\r\n\r\n[1]",
                b"GET /v1/x?y=1 HTTP/1.1\r\n" + host + b"content-length: 0\r\n\r\n",
            ]
            await client.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (b"", b""),
        (b"/a b", b""),
        (b"/a\r\nx: y", b""),
        (b"/a HTTP/1.1\r\n\r\nGET /b", b""),
        (b"/", b"a: b"),
        (b"/", b"\r\n"),
        (b"/", b"a: b\r\n\r\n"),
        (b"/", b"a: b\r\n\r\nGET / HTTP/1.1\r\n"),
        (b"/", b"a: b\n\r\nx\r\n"),
    ],
)
def test_what_would_not_stay_one_request_is_refused(path: bytes, headers: bytes) -> None:
    client = HttpClient("http://127.0.0.1:1")
    client.exchange(b"GET", b"/", b"a: b\r\n", b"")
    with pytest.raises(ValueError, match=r"path|headers"):
        client.exchange(b"GET", path, headers, b"")


def test_a_configuration_that_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="does not use TLS"):
        HttpClient("http://host", ca_file="ca.pem")
    with pytest.raises(ValueError, match="does not use TLS"):
        HttpClient("http://host", ssl_context=ssl.create_default_context())
    with pytest.raises(ValueError, match="exclude"):
        HttpClient("https://host", ca_file="ca.pem", ssl_context=ssl.create_default_context())
    careless = ssl.create_default_context()
    careless.check_hostname = False
    with pytest.raises(ValueError, match="must verify"):
        HttpClient("https://host", ssl_context=careless)
    with pytest.raises(ValueError, match="missing"):
        HttpClient("https://host", ca_file="missing.pem")


def test_a_response_outside_its_async_with_cannot_be_read() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.send(answer(b"%d" % peer.number))

    async def main() -> None:
        async with RawServer(script) as server:
            client = HttpClient(server.url)
            response = client.exchange(b"GET", b"/", b"", b"")
            with pytest.raises(RuntimeError, match="async with"):
                response.chunk()
            async with response:
                pass
            async with client.exchange(b"GET", b"/", b"", b""):  # the same connection, somebody else's answer
                with pytest.raises(RuntimeError, match="async with"):
                    response.read(10)
            assert server.accepted == 1
            await client.close()

    asyncio.run(main())


def test_a_response_is_entered_once() -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.send(answer())

    async def main() -> None:
        async with RawServer(script) as server:
            client = HttpClient(server.url)
            async with client.exchange(b"GET", b"/", b"", b"") as response:
                with pytest.raises(RuntimeError, match="once"):
                    await response.__aenter__()
            await client.close()
            assert client.active == 0

    asyncio.run(main())
