"""The secret with which API keys are hashed: made once, kept in the state folder, readable by its owner."""

import contextlib
import os
import secrets
from pathlib import Path

from seawall.core.errors import StoreError
from seawall.runtime.keyring import PEPPER_BYTES

PEPPER_FILE = "pepper"


def load_pepper(state: Path) -> bytes:
    """The pepper in the folder *state*, made on first use. Raises `StoreError` for one that is too short."""
    path = state / PEPPER_FILE
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    pepper = path.read_bytes()
    if len(pepper) < PEPPER_BYTES:
        raise StoreError(
            f"the pepper in {path} has {len(pepper)} bytes of {PEPPER_BYTES}",
            hint="Restore it from a backup: without it no key is recognised. Or delete it and make new keys",
        )
    return pepper


def _make(path: Path) -> None:
    # It appears under its name whole or not at all: processes that start together must agree on it.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(PEPPER_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
