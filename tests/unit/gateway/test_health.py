import json

import pytest

from tests.support.raw_client import RawClient, get
from tests.unit.gateway.harness import ADMIN_KEY, KEY, House, run, serving

LIVENESS = ("/livez", "/health/liveness", "/health/liveliness")
READINESS = ("/readyz", "/health/readiness", "/health")


@pytest.mark.parametrize("ready", [True, False])
def test_alive_is_always_200_and_ready_only_when_it_is(ready: bool):
    async def main() -> None:
        house = House()
        house.backend.is_ready = ready
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            for path in LIVENESS:
                assert (await client.ask(get(path))).body == b'{"status":"up"}'
            for path in READINESS:
                response = await client.ask(get(path))
                assert response.status == (200 if ready else 503)
                assert json.loads(response.body) == {"status": "up" if ready else "down"}
            assert not house.backend.calls, "health calls no model"
            client.close()

    run(main)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ((), False),
        ((f"api-key: {KEY}",), False),
        (("api-key: sw-wrong",), False),
        ((f"api-key: {KEY}", f"x-api-key: {ADMIN_KEY}"), False),
        ((f"api-key: {ADMIN_KEY}",), True),
    ],
)
def test_only_an_administrator_is_told_why(headers: tuple[str, ...], told: bool):
    async def main() -> None:
        house = House()
        house.backend.is_ready = False
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(get("/readyz", *headers))
            assert response.status == 503
            assert (b"full" in response.body) is told
            client.close()

    run(main)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 200),
        (("X-Forwarded-For: 127.0.0.1",), 401),
        (("Forwarded: for=127.0.0.1",), 401),
        (("Via: 1.1 proxy",), 401),
        (("X-Real-IP: 127.0.0.1",), 401),
        (("X-Forwarded-For: 10.0.0.1", f"api-key: {KEY}"), 403),
        (("X-Forwarded-For: 10.0.0.1", f"api-key: {ADMIN_KEY}"), 200),
    ],
)
def test_metrics_are_for_this_machine_and_administrators(headers: tuple[str, ...], status: int):
    async def main() -> None:
        house = House()
        async with serving(house.gateway, house.clock) as server:
            client = await RawClient.connect(server.address)
            response = await client.ask(get("/metrics", *headers))
            assert response.status == status
            if status == 200:
                assert response.body == b"seawall_up 1\n"
                assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
            client.close()

    run(main)
