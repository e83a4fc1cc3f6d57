"""The text format to the letter, and what one call adds."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.events import Usage
from seawall.core.record import Attempt, Decision, Record, Verdict
from seawall.layers.monitoring.metrics import SECONDS, CallMetrics, Registry

_LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"[a-z_]+(?:\{{{_LABEL}(?:,{_LABEL})*\}})? (?:[0-9.e+-]+|\+Inf|NaN)")


def rows(registry: Registry) -> dict[str, str]:
    lines = [line for line in registry.render().decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines}


def test_the_text_is_as_prometheus_reads_it():
    registry = Registry()
    registry.counter("a_total", 'Back\\slash, "quotes"\nand lines.', ("x", "y")).labels('q"\\\n', "é").inc(2)
    registry.gauge("g", "A gauge.").labels().set(1.5)
    registry.reading("r", "Read late.", lambda: math.inf)
    seconds = registry.histogram("h", "Times.", ("f",), (0.1, 1.0)).labels("a")
    for value in (0.05, 0.1, 0.5, 7.0):
        seconds.observe(value)
    text = registry.render().decode()
    assert text.endswith("\n")
    assert text.split("# HELP a_total ")[1] == (
        'Back\\\\slash, "quotes"\\nand lines.\n'
        "# TYPE a_total counter\n"
        'a_total{x="q\\"\\\\\\n",y="é"} 2\n'
        "# HELP g A gauge.\n"
        "# TYPE g gauge\n"
        "g 1.5\n"
        "# HELP r Read late.\n"
        "# TYPE r gauge\n"
        "r +Inf\n"
        "# HELP h Times.\n"
        "# TYPE h histogram\n"
        'h_bucket{f="a",le="0.1"} 2\n'
        'h_bucket{f="a",le="1"} 3\n'
        'h_bucket{f="a",le="+Inf"} 4\n'
        'h_sum{f="a"} 7.65\n'
        'h_count{f="a"} 4\n'
    )


@given(
    st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False, min_value=0)), max_size=20)
)
def test_any_label_and_any_value_make_lines_that_can_be_read(samples: list[tuple[str, float]]):
    registry = Registry()
    family = registry.counter("a_total", "A.", ("x",))
    for label, value in samples:
        family.labels(label).inc(value)
    for line in registry.render().decode("utf-8").split("\n")[:-1]:
        assert line.startswith("# ") or SAMPLE.fullmatch(line), line


@given(st.lists(st.floats(0, 200), max_size=50))
def test_buckets_only_grow_and_the_last_holds_all(values: list[float]):
    registry = Registry()
    child = registry.histogram("h", "H.").labels()
    for value in values:
        child.observe(value)
    found = [int(n) for name, n in rows(registry).items() if name.startswith("h_bucket")]
    assert found == sorted(found)
    assert len(found) == len(SECONDS) + 1
    assert found[-1] == int(rows(registry)["h_count"]) == len(values)
    for bound, count in zip(SECONDS, found, strict=False):
        assert count == sum(value <= bound for value in values)


def test_beyond_the_most_children_everything_is_other_and_that_is_counted():
    registry = Registry(most_children=3)
    family = registry.counter("a_total", "A.", ("x", "y"))
    for number in range(10):
        family.labels(str(number), "y").inc()
    found = rows(registry)
    assert found['a_total{x="2",y="y"}'] == "1"
    assert found['a_total{x="other",y="other"}'] == "7"
    assert found['seawall_metric_labels_dropped_total{metric="a_total"}'] == "7"
    assert sum(name.startswith("a_total") for name in found) == 4


def test_a_child_is_the_same_each_time():
    family = Registry().counter("a_total", "A.", ("x",))
    assert family.labels("1") is family.labels("1")
    with pytest.raises(ValueError, match=r"labels \('x',\)"):
        family.labels("1", "2")


def test_names_and_bounds_that_are_wrong_are_refused():
    registry = Registry()
    registry.gauge("g", "G.")
    with pytest.raises(ValueError, match="'g' exists"):
        registry.gauge("g", "G.")
    with pytest.raises(ValueError, match="_total"):
        registry.counter("c", "C.")
    with pytest.raises(ValueError, match="ascend"):
        registry.histogram("h", "H.", (), (1.0, 1.0))


def record(**fields: object) -> Record:
    base: dict[str, object] = {
        "id": "c-1",
        "at": 0.0,
        "feature": "support",
        "digest": "d",
        "outcome": "ok",
        "dialect": "openai.chat",
        "streamed": True,
        "asked_model": "free text of the caller",
        "total_us": 1_500_000,
        "tenant": "secret-tenant",
        "key_id": "secret-key",
    }
    return Record(**(base | fields))  # type: ignore[arg-type]


def test_a_call_is_counted_by_feature_and_each_attempt_by_target():
    registry = Registry()
    CallMetrics(registry).observe(
        record(
            first_event_us=30_000,
            overhead_us=90,
            cost_nano=2_500_000_000,
            attempts=(
                Attempt("a/m", "rate_limited", 0, 20_000),
                Attempt("a/m", "unavailable", 0, 20_000),
                Attempt("b/n", "ok", 0, 1_000_000, 40_000, usage=Usage(100, 20, 60, 0, 5)),
            ),
            decisions=(
                Decision("validation", "repaired"),
                Decision("validation", "reask"),
                Decision("llm", "x"),
            ),
            verdicts=(Verdict("pii", "flag"),),
        )
    )
    found = rows(registry)
    model = 'gen_ai_operation_name="chat",gen_ai_provider_name="b",gen_ai_request_model="n"'
    usage = "gen_ai_client_inference_usage"
    expected = {
        'seawall_calls_total{feature="support",outcome="ok"}': "1",
        'seawall_call_duration_seconds_sum{feature="support"}': "1.5",
        'seawall_call_time_to_first_event_seconds_bucket{feature="support",le="0.04"}': "1",
        'seawall_overhead_seconds_bucket{feature="support",le="0.0001"}': "1",
        'seawall_overhead_seconds_bucket{feature="support",le="5e-05"}': "0",
        'seawall_cost_usd_total{feature="support"}': "2.5",
        'seawall_attempts_total{target="a/m",outcome="rate_limited"}': "1",
        'seawall_attempts_total{target="b/n",outcome="ok"}': "1",
        'seawall_retries_total{target="a/m"}': "1",
        'seawall_fallbacks_total{feature="support"}': "1",
        'seawall_repairs_total{feature="support"}': "1",
        'seawall_reasks_total{feature="support"}': "1",
        'seawall_verdicts_total{check="pii",action="flag"}': "1",
        f'gen_ai_client_operation_duration_seconds_sum{{{model},error_type=""}}': "1",
        f"gen_ai_client_operation_time_to_first_chunk_seconds_sum{{{model}}}": "0.04",
        f'{usage}_input_tokens_total{{{model},gen_ai_token_modality="unknown"}}': "100",
        f'{usage}_output_tokens_total{{{model},gen_ai_token_modality="unknown"}}': "20",
        f'{usage}_cache_read_input_tokens_total{{{model},gen_ai_token_modality="unknown"}}': "60",
        f'{usage}_reasoning_output_tokens_total{{{model},gen_ai_token_modality="unknown"}}': "5",
    }
    assert {name: found.get(name) for name in expected} == expected
    text = registry.render().decode()
    assert "secret" not in text
    assert "free text" not in text


def test_an_unknown_cost_is_not_zero_but_counted_apart():
    registry = Registry()
    metrics = CallMetrics(registry)
    metrics.observe(record(cost_nano=None))
    metrics.observe(record(cost_nano=0))
    found = rows(registry)
    assert found['seawall_unpriced_calls_total{feature="support"}'] == "1"
    assert found['seawall_cost_usd_total{feature="support"}'] == "0"
    assert found['seawall_calls_total{feature="support",outcome="ok"}'] == "2"
