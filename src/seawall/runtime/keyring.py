"""The keys that are let in, found by their keyed hash."""

import hmac
import secrets
from collections.abc import Iterable

from msgspec import Struct

from seawall.core.call import Principal
from seawall.core.errors import Unauthorized
from seawall.core.ports import ApiKey, Clock

PEPPER_BYTES = 32
"""The shortest secret with which keys may be hashed."""


class _Entry(Struct, frozen=True):
    digest: bytes
    principal: Principal
    expires: float | None


class KeyRing:
    """All keys that are let in, found by their keyed hash.

    *pepper* is the secret of the hash; without it a stolen table of digests is of no use.
    """

    def __init__(self, pepper: bytes, keys: Iterable[ApiKey], clock: Clock) -> None:
        if len(pepper) < PEPPER_BYTES:
            raise ValueError(
                f"the pepper has {len(pepper)} bytes; it takes at least {PEPPER_BYTES} random ones"
            )
        self._pepper = pepper
        self._clock = clock
        self._entries: dict[bytes, _Entry] = {}
        self._nobody = secrets.token_bytes(32)  # compared with when there is no such key
        self.replace(keys)

    def replace(self, keys: Iterable[ApiKey]) -> None:
        """Let in these keys from now on, and no others; revoked ones are left out."""
        entries: dict[bytes, _Entry] = {}
        for key in keys:
            if key.revoked is not None:
                continue
            if key.digest in entries:
                raise ValueError(f"key {key.id!r} has the digest of another key")
            features = None if key.features is None else frozenset(key.features)
            principal = Principal(key.id, key.tenant, key.name, features, key.admin)
            entries[key.digest] = _Entry(key.digest, principal, key.expires)
        self._entries = entries

    def principal(self, key: bytes) -> Principal:
        """Whose key this is. Raises `Unauthorized`, in the same words for an unknown and a revoked key."""
        digest = hmac.digest(self._pepper, key, "sha256")
        entry = self._entries.get(digest)
        known = hmac.compare_digest(entry.digest if entry is not None else self._nobody, digest)
        if entry is None or not known:
            raise Unauthorized("the API key is not valid")
        if entry.expires is not None and entry.expires <= self._clock.wall():
            raise Unauthorized("the API key has expired", code="expired_api_key")
        return entry.principal

    def digest_of(self, key: str) -> bytes:
        """What is stored of *key*."""
        return hmac.digest(self._pepper, key.encode("utf-8"), "sha256")


def new_key() -> str:
    """A key of 256 random bits."""
    return "sw-" + secrets.token_urlsafe(32)
