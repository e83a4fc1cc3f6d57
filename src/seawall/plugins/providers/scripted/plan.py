"""Which faults meet which request: those in its model's name, and those a drill has planned server-wide."""

from collections import OrderedDict
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from seawall.core.ports import Clock
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.faults import Chosen, parse_faults

_OUTAGES: Final = (
    "status=500",
    "status=502",
    "status=503",
    "status=529+retry_after=1",
    "status=429+retry_after=1",
    "reset",
    "close",
    "reset_mid_body",
)
_REMEMBERED: Final = 10_000


class Planned(Struct):
    """Faults that hold for a while, server-wide."""

    faults: Chosen
    rate: float
    left: int | None
    """How many more requests meet them; `None` means no end."""
    start: float
    """On the monotonic clock."""
    stop: float | None
    model: str


class FaultPlan:
    """What the whole server does wrong; may be changed at any moment, from the event loop's thread."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._planned: list[Planned] = []

    def set(
        self,
        faults: str,
        *,
        rate: float = 1.0,
        first: int | None = None,
        start: float = 0.0,
        stop: float | None = None,
        model: str = "*",
    ) -> None:
        """Replace whatever is planned. Arguments as for `add`."""
        self.clear()
        self.add(faults, rate=rate, first=first, start=start, stop=stop, model=model)

    def add(
        self,
        faults: str,
        *,
        rate: float = 1.0,
        first: int | None = None,
        start: float = 0.0,
        stop: float | None = None,
        model: str = "*",
    ) -> None:
        """Plan *faults*, written as in a model's name (`status=503+retry_after=1`).

        They meet a share *rate* of the requests, only the *first* so many, from *start* until *stop*
        seconds from now, and only models that match the pattern *model*. Raises `FaultSyntaxError` for
        what it cannot read, `ValueError` for what cannot be.
        """
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate {rate!r} must be from 0 to 1")
        if stop is not None and stop <= start:
            raise ValueError(f"stop {stop!r} must be later than start {start!r}")
        now = self._clock.monotonic()
        end = None if stop is None else now + stop
        self._planned.append(Planned(parse_faults(faults), rate, first, now + start, end, model))

    def clear(self) -> None:
        """Heal."""
        self._planned.clear()

    def at_accept(self, number: int) -> bool:
        """Whether connection *number* is refused."""
        draw = Draw(self._seed, "accept", number)
        return any(self._meets(planned, draw) for planned in self._planned if "refuse" in planned.faults)

    def for_request(self, model: str, draw: Draw) -> Chosen:
        """What meets this request; *draw* is its own."""
        chosen: Chosen = {}
        for index, planned in enumerate(self._planned):
            if "refuse" in planned.faults or not fnmatchcase(model, planned.model):
                continue
            if self._meets(planned, draw.child(f"plan {index}")):
                chosen |= planned.faults
        return chosen

    def _meets(self, planned: Planned, draw: Draw) -> bool:
        now = self._clock.monotonic()
        if now < planned.start or (planned.stop is not None and now >= planned.stop):
            return False
        if planned.left == 0 or not draw.happens("rate", planned.rate):
            return False
        if planned.left is not None:
            planned.left -= 1
        return True


class Sightings:
    """How often each request has been seen, so that a retry of the same request can fare differently."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def add(self, digest: bytes) -> int:
        """How often *digest* was seen before. Forgets the oldest after 10,000 others."""
        before = self._seen.pop(digest, 0)
        self._seen[digest] = before + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return before


def in_force(chosen: Chosen, draw: Draw, seen: int) -> Chosen:
    """Decide `rate`, `first` and `flaky` for a request that was seen *seen* times before."""
    rest = {name: value for name, value in chosen.items() if name not in ("rate", "first", "flaky")}
    now = draw.child(f"sighting {seen}")
    misses_rate = "rate" in chosen and not now.happens("rate", float(chosen["rate"]))
    if misses_rate or seen >= int(chosen.get("first", seen + 1)):
        rest = {name: value for name, value in rest.items() if name == "speed"}
    if "flaky" in chosen and now.happens("flaky", float(chosen["flaky"])):
        rest |= parse_faults(_OUTAGES[now.below("outage", len(_OUTAGES))])
    return rest
