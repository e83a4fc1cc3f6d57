"""What a drill is: inject one failure, do the same work with Seawall off and on, and compare.

A drill passes when each of its claims holds on the figures of its own run. Figures of the two sides come
from the same work, in the same process, one right after the other.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

Side = Literal["off", "on"]
Tell = Callable[[str], None]
"""Shows progress to whoever waits."""


class Figure(Struct, frozen=True):
    """One thing measured on both sides."""

    name: str
    off: float | None
    on: float | None
    unit: str = ""
    """`None` is: does not exist on this side."""


class Claim(Struct, frozen=True):
    """A statement about the figures, and whether it held."""

    statement: str
    held: bool


class Report(Struct, frozen=True):
    """What a drill found."""

    id: str
    title: str
    injected: str
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every claim held."""
        return all(claim.held for claim in self.claims)


class Drill(Struct, frozen=True):
    """A row of the mission that can be run."""

    id: str
    title: str
    injected: str
    """The failure, in a sentence."""
    run: Callable[[Tell], Awaitable[tuple[list[Figure], list[Claim]]]]


def percentile(values: list[float], share: float) -> float:
    """The value below which *share* of *values* lies (nearest rank); 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]
