"""FM-08: concurrency and rate limits. A burst meets a provider that takes only so many at a time."""

from typing import Any

from seawall.lifecycle.drills.frame import Claim, Drill, Figure, Tell, percentile
from seawall.lifecycle.drills.stage import Result, load, staged
from seawall.plugins.providers.scripted import Capacity, ScriptedServer

CALLS = 80
AT_A_TIME = 16
ROOM = 6
PATIENCE = 20.0
MOST_ATTEMPTS = 2.2
"""Upstream attempts per call: each may be refused once by the full provider and go on to the other."""

FILES = {
    "seawall.yaml": """\
seawall: 1
providers:
  first: {kind: openai, vendor: vllm, base_url: "{0}"}
  second: {kind: openai, vendor: vllm, base_url: "{1}"}
""",
    "features/classify.yaml": """\
seawall: 1
feature: classify
intent: {purpose: Sort messages., owner: drill, request_type: extraction}
llm: {targets: [first/scripted-fast, second/scripted-fast]}
""",
}


def request(number: int) -> dict[str, Any]:
    """A message to sort; half of the answers are streamed."""
    text = f"Message {number}: my parcel is late. Is this message about delivery, payment or praise?"
    return {"messages": [{"role": "user", "content": text}], "stream": number % 2 == 0, "max_tokens": 8}


async def run(tell: Tell) -> tuple[list[Figure], list[Claim]]:
    """Send the burst both ways."""
    full = ScriptedServer(seed=8, capacity=Capacity(concurrent=ROOM))
    other = ScriptedServer(seed=9)
    asked = [request(number) for number in range(CALLS)]
    async with staged(FILES, full, other, feature="classify", model="scripted-fast") as stage:
        tell(f"{CALLS} calls, {AT_A_TIME} at a time, straight to a model that takes {ROOM}")
        off = await load(stage.off, asked, at_a_time=AT_A_TIME, patience=PATIENCE)
        before = full.counters.received + other.counters.received
        tell(f"{CALLS} calls, {AT_A_TIME} at a time, through Seawall")
        on = await load(stage.on, asked, at_a_time=AT_A_TIME, patience=PATIENCE)
        attempts = (full.counters.received + other.counters.received - before) / CALLS
    refused = sum(each.status == 429 for each in off)
    figures = [
        Figure("answered", _answered(off), _answered(on), "%"),
        Figure("refused with 429", float(refused), float(sum(each.status == 429 for each in on))),
        Figure("upstream attempts per call", 1.0, attempts),
        Figure("P50", percentile([r.ms for r in off], 0.5), percentile([r.ms for r in on], 0.5), "ms"),
        Figure("P99", percentile([r.ms for r in off], 0.99), percentile([r.ms for r in on], 0.99), "ms"),
    ]
    return figures, [
        Claim(f"the failure was there: without Seawall {refused} calls were refused", refused > 0),
        Claim("every call was answered", _answered(on) == 100.0),
        Claim(
            f"no storm: {attempts:.2f} attempts per call, {MOST_ATTEMPTS} at most", attempts <= MOST_ATTEMPTS
        ),
    ]


def _answered(results: list[Result]) -> float:
    return 100.0 * sum(each.ok for each in results) / len(results)


DRILL = Drill(
    "FM-08",
    "Concurrency and rate limits",
    f"{AT_A_TIME} calls at a time meet a provider that takes {ROOM}",
    run,
)
