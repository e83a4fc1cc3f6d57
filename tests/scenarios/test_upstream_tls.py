"""A-14: providers that cannot prove who they are, and one that can. On both event loops."""

import asyncio

import pytest

from seawall.transport.client import HttpClient

from tests.support.raw_server import (
    Certificates,
    Peer,
    RawServer,
    answer,
    client_tls,
    make_certificates,
    server_tls,
)
from tests.unit.transport.scenes import (
    BODY,
    LOOPS,
    Play,
    ask,
    failure,
    play_on,
    saying,
    settle,
)


@pytest.fixture(params=LOOPS)
def play(request: pytest.FixtureRequest) -> Play:
    return play_on(request.param)


@pytest.fixture(params=["whole", "streamed"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_tls_with_a_certificate_that_is_believed_works(
    play: Play, mode: str, certificates: Certificates
) -> None:
    async def scene() -> None:
        async with RawServer(saying(answer(BODY * 5000)), tls=server_tls(certificates.good)) as server:
            client = HttpClient(server.url, ca_file=str(certificates.ca))
            assert [await ask(client, mode) for _ in range(2)] == [BODY * 5000] * 2
            assert (server.accepted, client.idle) == (1, 1)
            await client.close()
            await settle(server)

    play(scene())


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("expired", "expired"),
        ("wrong_host", "ostname mismatch"),
        ("self_signed", "self-signed certificate"),
        ("unknown authority", "unable to get local issuer"),
        ("plain text", "SSL"),
        ("hangs up", ""),
        ("silent", "connect_timeout"),
    ],
)
def test_tls_that_cannot_be_trusted_is_refused(
    play: Play, certificates: Certificates, trouble: str, reason: str
) -> None:
    """A-14: the reason is for the operator only, and no request was sent."""
    requests = []

    async def script(peer: Peer) -> None:
        if trouble == "plain text":
            await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        if trouble != "hangs up":
            requests.append(await peer.request())

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # the server's side of a failed handshake
        certificate = getattr(certificates, trouble, certificates.good)
        tls = server_tls(certificate)
        plain = trouble in ("plain text", "hangs up", "silent")
        async with RawServer(script, tls=None if plain else tls) as server:
            authority = None if trouble == "unknown authority" else str(certificates.ca)
            timeout = 0.1 if trouble == "silent" else 3.0
            client = HttpClient(
                f"https://localhost:{server.port}", ca_file=authority, connect_timeout=timeout
            )
            error = await failure(ask(client))
            assert error.code == "connect_failed"
            assert reason in error.hint
            assert error.message == "the provider could not be reached"
            assert (client.active, client.idle) == (0, 0)
            await client.close()
            await settle(server)
        assert not any(b"sk-secret" in request for request in requests)

    play(scene())


def test_tls_older_than_1_2_is_refused_although_it_would_work(play: Play, certificates: Certificates) -> None:
    """A-14"""

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with RawServer(
            saying(answer(BODY)), tls=server_tls(certificates.good, outdated=True)
        ) as server:
            client = HttpClient(server.url, ca_file=str(certificates.ca))
            assert (await failure(ask(client))).code == "connect_failed"
            careless = client_tls(certificates.ca, outdated=True)
            _, writer = await asyncio.open_connection("localhost", server.port, ssl=careless)
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.1"
            writer.close()
            await client.close()
            await settle(server)

    play(scene())


def test_no_switch_turns_verification_off(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    """A-14"""
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")

    async def scene() -> None:
        async with RawServer(saying(answer()), tls=server_tls(certificates.self_signed)) as server:
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            assert (await failure(ask(HttpClient(server.url)))).code == "connect_failed"

    asyncio.run(scene())


def test_a_body_over_tls_that_ends_with_the_connection_is_whole(
    play: Play, mode: str, certificates: Certificates
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)

    async def scene() -> None:
        async with RawServer(script, tls=server_tls(certificates.good)) as server:
            client = HttpClient(server.url, ca_file=str(certificates.ca))
            assert await ask(client, mode) == BODY
            await client.close()
            await settle(server)

    play(scene())
