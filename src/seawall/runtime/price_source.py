"""Compile the price table of the `genai-prices` data set into plain JSON, when the package is built.

The data set is needed at build time only; `seawall.layers.llm.pricing` reads what is written here. Rates are
integers in pico-dollars (1e-12 USD) per million units, so that sums are exact.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

_RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "output_reasoning_mtok": "reasoning",
    "requests_kcount": "request",
}
"""What an answer's usage can tell; prices per search, page, second or image are not among it."""

_CLAUSES = ("equals", "starts_with", "ends_with", "contains", "regex")
_PICO = Decimal(10) ** 12


def compile_prices(version: str) -> dict[str, Any]:
    """The table: `providers` by id, each with URL patterns, names, and models in order of precedence.

    *version* is that of the data set, kept for the record. Models without a price that usage can be
    multiplied with are left out: their price is unknown, not zero.
    """
    from genai_prices.data import providers

    return {
        "source": "genai-prices",
        "version": version,
        "unit": "pico-USD per million",
        "providers": {provider.id: _provider(provider) for provider in providers},
    }


def _provider(provider: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"match": [provider.api_pattern], "models": []}
    if provider.provider_match is not None:
        entry["names"] = _clause(provider.provider_match)
    if provider.fallback_model_providers:
        entry["fallback"] = list(provider.fallback_model_providers)
    for model in provider.models:
        prices = _prices(model.prices)
        entry["models"].append({"match": _clause(model.match), "prices": prices})
    return entry


def _clause(clause: Any) -> dict[str, Any]:
    """A condition on a name as `{"equals": …}`, `{"or": [ … ]}` and so on; case does not count."""
    for word in ("or", "and"):
        parts = getattr(clause, f"{word}_", None)
        if parts is not None:
            return {word: [_clause(part) for part in parts]}
    for word in _CLAUSES:
        text = getattr(clause, word, None)
        if text is not None:
            return {word: text if word == "regex" else text.lower()}
    raise ValueError(f"unknown kind of clause {clause!r} in the price data; teach it to this module")


def _prices(prices: Any) -> list[dict[str, Any]]:
    """Price lists; of those in force the last one counts, and the first if none is."""
    if not isinstance(prices, list):
        return [_rates(prices)]
    return [_in_force(entry.constraint) | _rates(entry.prices) for entry in prices]


def _in_force(constraint: Any) -> dict[str, Any]:
    """`from` in Unix seconds, or `daily` as two times of day in seconds, UTC; empty for always."""
    if constraint is None:
        return {}
    if hasattr(constraint, "start_date"):
        days = constraint.start_date.toordinal() - _EPOCH_ORDINAL
        return {"from": days * 86_400}
    return {"daily": [_seconds(constraint.start_time), _seconds(constraint.end_time)]}


_EPOCH_ORDINAL = 719_163  # 1970-01-01


def _seconds(time: Any) -> int:
    offset = time.utcoffset()
    own: int = time.hour * 3600 + time.minute * 60 + time.second
    return own if offset is None else int(own - offset.total_seconds()) % 86_400


def _rates(prices: Any) -> dict[str, Any]:
    rates: dict[str, Any] = {}
    for name, rate in _RATES.items():
        price = getattr(prices, name)
        if price is None:
            continue
        per = 1000 if name == "requests_kcount" else 1
        tiers = getattr(price, "tiers", None)
        if tiers is None:
            rates[rate] = _exact(price, per)
        else:
            rates[rate] = [_exact(price.base, per), [[tier.start, _exact(tier.price, per)] for tier in tiers]]
    return rates


def _exact(price: Decimal, per: int) -> int:
    """Pico-dollars per million. Digits beyond that are noise of floats in the source, and are rounded."""
    scaled = price * per * _PICO
    if scaled < 0:
        raise ValueError(f"negative price {price!r} in the price data")
    return int(scaled.to_integral_value(ROUND_HALF_EVEN))
