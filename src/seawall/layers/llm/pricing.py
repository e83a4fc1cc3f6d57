"""Usage to money, from a dated table. Integers throughout; what is not known is `None`, never zero.

A price is looked up once for a target, when a feature is loaded, and then only multiplied. Rates are in
pico-dollars (1e-12 USD) per million tokens, costs in nano-dollars.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import msgspec
from msgspec import Struct

from seawall.core.events import Usage

_DAY = 86_400
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Rate(Struct, frozen=True):
    """What one kind of token costs, in pico-dollars per million, by the size of the input."""

    first: int
    tiers: tuple[tuple[int, int], ...] = ()
    """(input tokens, rate): with more input than that, the rate holds for every token. Ascending."""

    def at(self, input_tokens: int) -> int:
        """The rate for a call with so many input tokens."""
        rate = self.first
        for start, dearer in self.tiers:
            if input_tokens > start:
                rate = dearer
        return rate


class Price(Struct, frozen=True, kw_only=True):
    """What a model costs. A rate that is `None` is not published; see `cost_nano` for what that means."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    input_audio: Rate | None = None
    output_audio: Rate | None = None
    reasoning: Rate | None = None
    request: Rate | None = None
    """Per million calls."""
    until: float = inf
    """Unix seconds at which another price may begin to hold: look it up again then."""

    def cost_nano(self, usage: Usage) -> int | None:
        """What *usage* costs in nano-dollars, half a nano-dollar rounded up; `None` if that is not known.

        Cached, written and audio tokens, which the totals include, have their own rates where those are
        published, and otherwise the rate of their total; reasoning likewise. Tokens without any rate make
        the cost unknown: an embedding model has no price for output.
        """
        size = usage.input_tokens
        audio, written, read = self._own_input(usage)
        spoken = min(usage.output_audio_tokens, usage.output_tokens) if self.output_audio else 0
        thought = min(usage.reasoning_tokens, usage.output_tokens - spoken) if self.reasoning else 0
        total = 0
        for rate, tokens in (
            (self.input_audio, audio),
            (self.cache_write, written),
            (self.cache_read, read),
            (self.input, size - audio - written - read),
            (self.output_audio, spoken),
            (self.reasoning, thought),
            (self.output, usage.output_tokens - spoken - thought),
            (self.request, 1 if self.request else 0),
        ):
            if tokens > 0:
                if rate is None:
                    return None
                total += tokens * rate.at(size)
        return (total + 500_000_000) // 1_000_000_000

    def _own_input(self, usage: Usage) -> tuple[int, int, int]:
        """Input tokens with a rate of their own: audio, written to the cache, read from it.

        They may overlap (audio from the cache); what is counted twice is taken off the cheaper end.
        """
        left = usage.input_tokens
        audio = min(usage.input_audio_tokens, left) if self.input_audio else 0
        written = min(usage.cache_write_tokens, left - audio) if self.cache_write else 0
        read = min(usage.cache_read_tokens, left - audio - written) if self.cache_read else 0
        return audio, written, read


class PriceTable:
    """Prices by provider and model, as compiled by `seawall.runtime.price_source`."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """*table* may hold its providers undecoded (`msgspec.Raw`); each is decoded when it is asked for."""
        self.source: str = table["source"]
        self.version: str = table["version"]
        self._providers: dict[str, Any] = dict(table["providers"])

    def find(self, provider: str, model: str, at: float) -> Price | None:
        """The price of *model* at *provider* (its name, or the base URL of its API) at Unix time *at*.

        `None` if it is not in the table: a local or private model costs what its owner says, not nothing.
        Takes about a millisecond; keep the result until `Price.until`.
        """
        entry = self._provider(provider)
        if entry is None:
            return None
        name = model.lower()
        spellings = (name, _COMPACT_DATE.sub(r"-\1-\2-\3", name))
        for spelling in dict.fromkeys(spellings):
            for each in (entry, *self._fallbacks(entry)):
                for candidate in each["models"]:
                    if _matches(candidate["match"], spelling):
                        return _price(candidate["prices"], at)
        return None

    def _provider(self, provider: str) -> dict[str, Any] | None:
        name = provider.lower().strip()
        if "://" in name:
            return next((entry for entry in self._entries() if _serves(entry, name)), None)
        if name in self._providers:
            return self._entry(name)
        for entry in self._entries():
            if "names" in entry and _matches(entry["names"], name):
                return entry
        return None

    def _fallbacks(self, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Providers whose models *entry* offers as well, at their prices."""
        return (self._entry(name) for name in entry.get("fallback", ()) if name in self._providers)

    def _entries(self) -> Iterator[dict[str, Any]]:
        return (self._entry(name) for name in self._providers)

    def _entry(self, name: str) -> dict[str, Any]:
        entry: Any = self._providers[name]
        if isinstance(entry, msgspec.Raw):
            entry = self._providers[name] = msgspec.json.decode(entry)
        decoded: dict[str, Any] = entry
        return decoded


class _Table(Struct):
    source: str
    version: str
    providers: dict[str, msgspec.Raw]


def load_built_in() -> PriceTable | None:
    """The table that was compiled when this package was built; `None` in a tree that never was."""
    from importlib import resources  # slow to import: only who loads the table pays for it

    try:
        raw = resources.files("seawall").joinpath("_built", "prices.json").read_bytes()
    except FileNotFoundError:
        return None
    table = msgspec.json.decode(raw, type=_Table)
    return PriceTable({"source": table.source, "version": table.version, "providers": table.providers})


def _serves(entry: dict[str, Any], url: str) -> bool:
    return any(re.match(pattern, url) for pattern in entry["match"])


def _matches(clause: Mapping[str, Any], text: str) -> bool:
    """Whether the condition holds for *text*, which is in lower case."""
    ((word, what),) = clause.items()
    match word:
        case "equals":
            return bool(text == what)
        case "starts_with":
            return text.startswith(what)
        case "ends_with":
            return text.endswith(what)
        case "contains":
            return what in text
        case "regex":
            return re.search(what, text) is not None
        case "or":
            return any(_matches(part, text) for part in what)
        case "and":
            return all(_matches(part, text) for part in what)
    raise ValueError(f"the price table has a condition {word!r} that this version does not know; rebuild it")


def _price(lists: Sequence[Mapping[str, Any]], at: float) -> Price | None:
    """The list in force at *at* as a price; `None` if it names no rate."""
    chosen = next((each for each in reversed(lists) if _in_force(each, at)), lists[0])
    rates = {name: _rate(chosen[name]) for name in _RATES if name in chosen}
    return Price(**rates, until=min(_changes(lists, at), default=inf)) if rates else None


_RATES = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "input_audio",
    "output_audio",
    "reasoning",
    "request",
)


def _rate(raw: Any) -> Rate:
    if isinstance(raw, int):
        return Rate(raw)
    first, tiers = raw
    return Rate(first, tuple((start, rate) for start, rate in tiers))


def _in_force(entry: Mapping[str, Any], at: float) -> bool:
    if "from" in entry:
        return bool(at >= entry["from"])
    if "daily" not in entry:
        return True
    start, end = entry["daily"]
    now = at % _DAY
    return bool(now >= start or now < end) if end < start else bool(start <= now < end)


def _changes(lists: Sequence[Mapping[str, Any]], at: float) -> Iterator[float]:
    """Moments after *at* at which another list may begin to hold: the next of each kind."""
    midnight = at - at % _DAY
    for entry in lists:
        if entry.get("from", 0) > at:
            yield entry["from"]
        for edge in entry.get("daily", ()):
            yield midnight + edge if midnight + edge > at else midnight + edge + _DAY
