import re

import pytest

from seawall.core.errors import InvalidRequest, Unauthorized
from seawall.core.ports import ApiKey
from seawall.gateway.auth import key_of, require_key
from seawall.gateway.exchange import Exchange
from seawall.runtime.keyring import KeyRing, new_key
from seawall.testing import FakeClock

PEPPER = b"0123456789abcdef0123456789abcdef"


def exchange(query: bytes = b"", **headers: bytes) -> Exchange:
    made = Exchange(None)  # type: ignore[arg-type]  # nothing is answered
    made.query = query
    made.headers = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return made


def ring(*keys: ApiKey) -> KeyRing:
    return KeyRing(PEPPER, keys, FakeClock(wall=1000.0))


def stored(key: str, key_id: str = "k-1", **fields: object) -> ApiKey:
    return ApiKey(key_id, ring().digest_of(key), "acme", "name", 0.0, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": b"Bearer sw-1"},
        {"authorization": b"bearer   sw-1"},
        {"x_api_key": b"sw-1"},
        {"api_key": b"sw-1"},
        {"x_goog_api_key": b"sw-1"},
        {"authorization": b"Bearer sw-1", "api_key": b"sw-1"},
        {"authorization": b"Basic dTpw", "x_api_key": b"sw-1"},
        {"authorization": b"Bearer ", "x_api_key": b"sw-1", "api_key": b""},
    ],
)
def test_every_carrier_gives_the_same_key(headers: dict[str, bytes]):
    assert key_of(exchange(**headers)) == b"sw-1"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": b"Bearer sw-1", "x_api_key": b"sw-2"},
        {"x_api_key": b"sw-1", "x_goog_api_key": b"sw-2"},
        {"api_key": b"sw-1", "x_api_key": b"sw-1 "},
    ],
)
def test_two_different_keys_are_refused(headers: dict[str, bytes]):
    with pytest.raises(InvalidRequest, match="two different keys") as caught:
        key_of(exchange(**headers))
    assert "sw-" not in str(caught.value)


@pytest.mark.parametrize("headers", [{}, {"authorization": b"Basic dTpw"}, {"authorization": b"Bearer"}])
def test_no_key_is_unauthorized_and_never_a_nobody(headers: dict[str, bytes]):
    assert key_of(exchange(**headers)) is None
    with pytest.raises(Unauthorized, match="Bearer"):
        require_key(exchange(**headers))


@pytest.mark.parametrize("query", [b"key=sw-1", b"a=1&api_key=sw-1", b"API%5FKEY", b"token=", b"%6Bey=x"])
def test_a_key_in_the_query_is_refused_with_the_reason_and_not_the_key(query: bytes):
    with pytest.raises(InvalidRequest, match="query string") as caught:
        key_of(exchange(query, authorization=b"Bearer sw-1"))
    assert "sw-1" not in str(caught.value)


def test_other_parameters_are_nobodys_business():
    assert key_of(exchange(b"api-version=1&monkey=2&&=", api_key=b"sw-1")) == b"sw-1"


def test_a_key_leads_to_its_principal():
    found = ring(stored("sw-1", features=("a", "b"), admin=True)).principal(b"sw-1")
    assert (found.key_id, found.tenant, found.admin) == ("k-1", "acme", True)
    assert found.features == frozenset(("a", "b"))
    assert ring(stored("sw-1")).principal(b"sw-1").features is None
    assert ring(stored("sw-1", features=())).principal(b"sw-1").features == frozenset()


def test_unknown_and_revoked_are_the_same_words_and_expired_says_so():
    keys = ring(
        stored("sw-gone", "k-1", revoked=900.0),
        stored("sw-old", "k-2", expires=1000.0),
        stored("sw-new", "k-3", expires=1000.5),
    )
    messages = []
    for key in (b"sw-unknown", b"sw-gone", b"", b"sw-new2"):
        with pytest.raises(Unauthorized) as caught:
            keys.principal(key)
        messages.append((caught.value.message, caught.value.code))
    assert len(set(messages)) == 1
    with pytest.raises(Unauthorized, match="expired"):
        keys.principal(b"sw-old")
    assert keys.principal(b"sw-new").key_id == "k-3"


def test_replacing_keys_takes_effect_at_once_and_a_bad_set_changes_nothing():
    keys = ring(stored("sw-1"))
    with pytest.raises(ValueError, match="'k-3' has the digest of another"):
        keys.replace([stored("sw-2", "k-2"), stored("sw-2", "k-3")])
    assert keys.principal(b"sw-1")
    keys.replace([stored("sw-2")])
    assert keys.principal(b"sw-2")
    with pytest.raises(Unauthorized):
        keys.principal(b"sw-1")


def test_another_pepper_knows_no_key_and_a_short_one_is_refused_without_being_shown():
    with pytest.raises(Unauthorized):
        KeyRing(b"x" * 32, [stored("sw-1")], FakeClock()).principal(b"sw-1")
    with pytest.raises(ValueError, match="has 6 bytes") as caught:
        KeyRing(b"secret", [], FakeClock())
    assert "secret" not in str(caught.value)


def test_a_new_key_has_256_bits_and_is_never_the_same():
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"sw-[A-Za-z0-9_-]{43}", key) for key in keys)
