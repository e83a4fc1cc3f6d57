"""Figures and claims of drills."""

import pytest

from seawall.lifecycle.drills.catalogue import DRILLS, find
from seawall.lifecycle.drills.frame import Claim, Report, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([5.0], 0.99, 5.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0), (list(range(1, 101)), 0.99, 99)],
)
def test_a_percentile_is_a_value_that_was_measured(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def test_a_drill_passes_only_if_every_claim_held() -> None:
    held, broken = Claim("a", held=True), Claim("b", held=False)

    assert Report("FM-02", "t", "i", (), (held,)).passed
    assert not Report("FM-02", "t", "i", (), (held, broken)).passed


def test_drills_are_found_by_their_row_however_it_is_written() -> None:
    assert find("fm-07") is find("FM-07") is not None
    assert find("FM-99") is None
    assert len({drill.id for drill in DRILLS}) == len(DRILLS)
