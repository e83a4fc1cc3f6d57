"""The first API key: made for whoever starts Seawall for the first time, so that no door is ever open."""

import os
from pathlib import Path

from seawall.core.ports import ApiKey, Store
from seawall.runtime.keyring import KeyRing, new_key

KEY_FILE = "key"


def ensure_first_key(store: Store, keys: KeyRing, state: Path, now: float) -> str | None:
    """Make an admin key if there is none at all, and keep it in the state folder, readable by its owner.

    Returns the key if it was made just now, else `None`. Commands on this machine read it with `local_key`.
    """
    if store.list_keys():
        return None
    key = new_key()
    made = ApiKey(
        id="k-first", digest=keys.digest_of(key), tenant="default", name="first", created=now, admin=True
    )
    store.add_key(made)
    keys.replace(store.list_keys())
    path = state / KEY_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
    return key


def local_key(state: Path) -> str:
    """The first key as kept in the state folder; empty when it is not there."""
    try:
        return (state / KEY_FILE).read_text(encoding="ascii").strip()
    except OSError:
        return ""
