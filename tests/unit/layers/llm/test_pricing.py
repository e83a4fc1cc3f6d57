"""Usage to money: exact, dated, by tier, and unknown rather than zero."""

import importlib.util
import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.core.events import Usage
from seawall.layers.llm.pricing import Price, PriceTable, Rate, load_built_in
from seawall.runtime.price_source import compile_prices

DOLLAR = 10**12
"""One dollar per million tokens."""
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
DAY = 86_400
MIDNIGHT = NOW - NOW % DAY

needs_data = pytest.mark.skipif(
    importlib.util.find_spec("genai_prices") is None, reason="genai-prices is needed to build, not to run"
)


def table(*models: dict[str, Any], **provider: Any) -> PriceTable:
    entry = {"match": [r"https://api\.acme\.test"], "models": list(models), **provider}
    return PriceTable({"source": "test", "version": "1", "providers": {"acme": entry}})


def model(name: str, **rates: Any) -> dict[str, Any]:
    return {"match": {"equals": name}, "prices": [rates]}


def test_tokens_are_multiplied_exactly_and_half_a_nano_dollar_is_rounded_up() -> None:
    price = Price(input=Rate(500_000_000), output=Rate(0))
    assert price.cost_nano(Usage(1, 0)) == 1
    assert Price(input=Rate(499_999_999), output=Rate(0)).cost_nano(Usage(1, 0)) == 0
    assert Price(input=Rate(3 * DOLLAR), output=Rate(15 * DOLLAR)).cost_nano(Usage(1_000_000, 10)) == (
        3_000_000_000 + 150_000
    )


def test_cached_and_written_tokens_are_part_of_the_input_and_priced_apart() -> None:
    price = Price(
        input=Rate(10 * DOLLAR),
        output=Rate(0),
        cache_read=Rate(1 * DOLLAR),
        cache_write=Rate(12 * DOLLAR),
    )
    usage = Usage(1000, 0, cache_read_tokens=600, cache_write_tokens=100)
    assert price.cost_nano(usage) == (300 * 10 + 600 * 1 + 100 * 12) * 1000


def test_tokens_without_a_rate_of_their_own_cost_what_their_total_costs() -> None:
    price = Price(input=Rate(DOLLAR), output=Rate(2 * DOLLAR))
    plain = price.cost_nano(Usage(100, 50))
    rich = Usage(
        100,
        50,
        cache_read_tokens=40,
        cache_write_tokens=9,
        reasoning_tokens=30,
        input_audio_tokens=5,
        output_audio_tokens=7,
    )
    assert price.cost_nano(rich) == plain == 200_000


def test_audio_and_reasoning_have_their_own_rates_where_published() -> None:
    price = Price(
        input=Rate(DOLLAR),
        output=Rate(2 * DOLLAR),
        input_audio=Rate(10 * DOLLAR),
        output_audio=Rate(20 * DOLLAR),
        reasoning=Rate(3 * DOLLAR),
    )
    usage = Usage(100, 50, input_audio_tokens=60, output_audio_tokens=10, reasoning_tokens=30)
    assert price.cost_nano(usage) == (40 * 1 + 60 * 10 + 10 * 2 + 10 * 20 + 30 * 3) * 1000


def test_tokens_counted_twice_are_not_paid_twice() -> None:
    price = Price(
        input=Rate(DOLLAR), output=Rate(0), cache_read=Rate(DOLLAR // 10), input_audio=Rate(10 * DOLLAR)
    )
    usage = Usage(100, 0, cache_read_tokens=80, input_audio_tokens=60)
    assert price.cost_nano(usage) == (60 * 10_000 + 40 * 100)
    assert price.cost_nano(Usage(10, 0, cache_read_tokens=999)) == 10 * 100


def test_a_tier_holds_for_every_token_once_the_input_is_larger() -> None:
    rate = Rate(DOLLAR, ((200_000, 2 * DOLLAR), (500_000, 4 * DOLLAR)))
    price = Price(input=rate, output=Rate(0))
    assert price.cost_nano(Usage(200_000, 0)) == 200_000 * 1000
    assert price.cost_nano(Usage(200_001, 0)) == 200_001 * 2000
    assert price.cost_nano(Usage(600_000, 0)) == 600_000 * 4000


def test_a_fee_for_the_request_is_added_once() -> None:
    price = Price(input=Rate(DOLLAR), output=Rate(DOLLAR), request=Rate(12_000 * DOLLAR))
    assert price.cost_nano(Usage(0, 0)) == 12_000_000


def test_what_has_no_rate_has_no_known_cost() -> None:
    embedding = Price(input=Rate(DOLLAR))
    assert embedding.cost_nano(Usage(1000, 0)) == 1_000_000
    assert embedding.cost_nano(Usage(1000, 1)) is None
    assert Price(output=Rate(DOLLAR)).cost_nano(Usage(1, 1)) is None


def test_a_model_is_found_by_provider_name_pattern_and_url() -> None:
    prices = table(model("m-1", input=1, output=2), names={"contains": "acme"})
    for provider in ("acme", " ACME", "my-acme-eu", "https://api.acme.test/v1", "HTTPS://api.acme.test"):
        found = prices.find(provider, "M-1", NOW)
        assert found == Price(input=Rate(1), output=Rate(2)), provider


def test_an_unknown_model_or_provider_has_no_price_and_local_ones_are_not_free() -> None:
    prices = table(model("m-1", input=1, output=2), {"match": {"equals": "free"}, "prices": [{}]})
    assert prices.find("acme", "m-2", NOW) is None
    assert prices.find("acme", "free", NOW) is None
    for provider in ("ollama", "vllm", "llama.cpp", "scripted", "https://elsewhere.test"):
        assert prices.find(provider, "m-1", NOW) is None


@pytest.mark.parametrize(
    ("clause", "name", "holds"),
    [
        ({"equals": "a"}, "a", True),
        ({"equals": "a"}, "ab", False),
        ({"starts_with": "a"}, "ab", True),
        ({"ends_with": "b"}, "ab", True),
        ({"contains": "x"}, "ab", False),
        ({"regex": "^a.$"}, "ab", True),
        ({"or": [{"equals": "x"}, {"equals": "ab"}]}, "ab", True),
        ({"and": [{"starts_with": "a"}, {"ends_with": "x"}]}, "ab", False),
    ],
)
def test_conditions_on_names(clause: dict[str, Any], name: str, holds: bool) -> None:
    prices = table({"match": clause, "prices": [{"input": 1, "output": 1}]})
    assert (prices.find("acme", name, NOW) is not None) is holds


def test_a_condition_of_a_later_version_is_an_error_not_a_miss() -> None:
    with pytest.raises(ValueError, match=r"'sounds_like'.*rebuild"):
        table({"match": {"sounds_like": "a"}, "prices": [{"input": 1}]}).find("acme", "a", NOW)


def test_a_date_without_dashes_in_a_model_name_is_understood() -> None:
    assert table(model("m-2026-01-31", input=1, output=1)).find("acme", "m-20260131", NOW) is not None


def test_a_reseller_falls_back_to_the_maker_one_step() -> None:
    maker = {"match": [], "models": [model("m", input=7, output=7)], "fallback": ["third"]}
    reseller = {"match": [], "models": [model("own", input=1, output=1)], "fallback": ["maker", "gone"]}
    third = {"match": [], "models": [model("far", input=9, output=9)]}
    prices = PriceTable(
        {"source": "", "version": "", "providers": {"reseller": reseller, "maker": maker, "third": third}}
    )
    assert prices.find("reseller", "m", NOW) == Price(input=Rate(7), output=Rate(7))
    assert prices.find("reseller", "far", NOW) is None


def test_of_dated_prices_the_last_in_force_holds_until_the_next() -> None:
    prices = table(
        {
            "match": {"equals": "m"},
            "prices": [
                {"input": 1, "output": 1},
                {"from": int(NOW) - DAY, "input": 2, "output": 2},
                {"from": int(NOW) + DAY, "input": 3, "output": 3},
            ],
        }
    )
    past, present, future = (prices.find("acme", "m", NOW + days * DAY) for days in (-5, 0, 5))
    assert past == Price(input=Rate(1), output=Rate(1), until=NOW - DAY)
    assert present == Price(input=Rate(2), output=Rate(2), until=NOW + DAY)
    assert future == Price(input=Rate(3), output=Rate(3), until=inf)


def test_when_no_price_is_in_force_yet_the_first_counts() -> None:
    entry = {"match": {"equals": "m"}, "prices": [{"from": int(NOW) + DAY, "input": 3, "output": 3}]}
    found = table(entry).find("acme", "m", NOW)
    assert found is not None
    assert found.input == Rate(3)


@pytest.mark.parametrize(
    ("window", "hour", "rate", "until_hour"),
    [((1, 4), 2, 9, 4), ((1, 4), 4, 1, 25), ((1, 4), 0, 1, 1), ((22, 2), 23, 9, 26), ((22, 2), 3, 1, 22)],
)
def test_a_price_by_time_of_day_says_until_when_it_holds(
    window: tuple[int, int], hour: int, rate: int, until_hour: int
) -> None:
    daily = [window[0] * 3600, window[1] * 3600]
    prices = table(
        {
            "match": {"equals": "m"},
            "prices": [{"input": 1, "output": 1}, {"daily": daily, "input": 9, "output": 9}],
        }
    )
    found = prices.find("acme", "m", MIDNIGHT + hour * 3600)
    assert found is not None
    assert found.input == Rate(rate)
    assert found.until == MIDNIGHT + until_hour * 3600


def test_providers_are_decoded_only_when_they_are_asked_for() -> None:
    raw = msgspec.Raw(
        b'{"match":[],"models":[{"match":{"equals":"m"},"prices":[{"input":1,"output":[2,[[5,6]]]}]}]}'
    )
    prices = PriceTable(
        {"source": "", "version": "", "providers": {"a": raw, "b": msgspec.Raw(b"not even JSON")}}
    )
    assert prices.find("a", "m", NOW) == Price(input=Rate(1), output=Rate(2, ((5, 6),)))


def test_the_built_in_table_is_read_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path / package)
    assert load_built_in() is None
    (tmp_path / "seawall" / "_built").mkdir(parents=True)
    entry = {"match": [], "models": [model("m", input=1, output=1)]}
    document = {"source": "s", "version": "v", "unit": "u", "providers": {"acme": entry}}
    (tmp_path / "seawall" / "_built" / "prices.json").write_text(json.dumps(document), "utf-8")
    built = load_built_in()
    assert built is not None
    assert (built.source, built.version) == ("s", "v")
    assert built.find("acme", "m", NOW) is not None


def test_importing_the_compiler_does_not_import_the_data() -> None:
    code = "import sys, seawall.runtime.price_source; print('genai_prices' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@needs_data
def test_the_compiled_table_is_plain_json_and_compact() -> None:
    compiled = compile_prices("1.2.3")
    text = json.dumps(compiled, separators=(",", ":"), sort_keys=True)
    assert json.loads(text) == compiled
    assert len(text) < 600_000
    assert (compiled["source"], compiled["version"]) == ("genai-prices", "1.2.3")
    assert PriceTable(compiled).find("openai", "gpt-4o", NOW) is not None


@needs_data
def test_costs_equal_those_of_the_data_set_s_own_calculation() -> None:
    from genai_prices import Usage as TheirUsage
    from genai_prices import calc_price
    from genai_prices.data import providers

    prices = PriceTable(json.loads(json.dumps(compile_prices("0"), sort_keys=True)))
    chance = random.Random(7)
    models = [(provider.id, each.id) for provider in providers for each in provider.models]
    compared = 0
    for provider, name in chance.sample(models, 600):
        at = datetime.fromtimestamp(NOW - chance.randrange(700 * DAY), UTC)
        found = prices.find(provider, name, at.timestamp())
        if found is None or found.input is None or found.output is None or found.input_audio:
            continue  # audio and cache together they refuse to price
        size = chance.choice((0, 7, 900, 150_000, 200_000, 200_001, 900_000))
        read, written = chance.randint(0, size // 2), chance.randint(0, size // 2)
        out = chance.randint(0, 9000)
        usage = Usage(
            size, out, cache_read_tokens=read, cache_write_tokens=written, reasoning_tokens=out // 3
        )
        theirs = calc_price(
            TheirUsage(
                input_tokens=size,
                output_tokens=out,
                cache_read_tokens=read,
                cache_write_tokens=written,
                output_reasoning_tokens=out // 3,
            ),
            model_ref=name,
            provider_id=provider,
            genai_request_timestamp=at,
        ).total_price
        expected = int((theirs * Decimal(10**9)).quantize(Decimal(1), ROUND_HALF_UP))
        assert found.cost_nano(usage) == expected, (provider, name, usage)
        compared += 1
    assert compared > 200
