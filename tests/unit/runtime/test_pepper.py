"""The secret with which keys are hashed."""

import stat
import threading
from pathlib import Path

import pytest

from seawall.core.errors import StoreError
from seawall.runtime.pepper import load_pepper


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    pepper = load_pepper(state)
    assert len(pepper) == 32
    assert load_pepper(state) == pepper
    assert [path.name for path in state.iterdir()] == ["pepper"]
    assert stat.S_IMODE((state / "pepper").stat().st_mode) == 0o600
    assert load_pepper(tmp_path / "other") != pepper


def test_those_who_start_together_agree_on_it(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_pepper(tmp_path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1


def test_one_cut_short_is_refused_rather_than_replaced(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_bytes(b"short")
    with pytest.raises(StoreError, match="has 5 bytes of 32"):
        load_pepper(tmp_path)
    assert (tmp_path / "pepper").read_bytes() == b"short"
