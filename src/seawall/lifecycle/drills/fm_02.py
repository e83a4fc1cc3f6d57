"""FM-02: latency spikes. The first model is sometimes silent, sometimes stalls in the middle."""

from typing import Any

from seawall.lifecycle.drills.frame import Claim, Drill, Figure, Tell, percentile
from seawall.lifecycle.drills.stage import Result, load, staged
from seawall.plugins.providers.scripted import ScriptedServer

CALLS = 60
DEADLINE_MS = 2000.0
PATIENCE = 8.0
SLACK_MS = 250.0
"""What a client may see beyond the deadline: connection, scheduling, the error's way back."""
SILENT = "slow_first_byte=6"
SHARE = 0.25

FILES = {
    "seawall.yaml": """\
seawall: 1
providers:
  first: {kind: openai, vendor: vllm, base_url: "{0}"}
  second: {kind: openai, vendor: vllm, base_url: "{1}"}
""",
    "features/support.yaml": """\
seawall: 1
feature: support
intent: {purpose: Answer questions about orders., owner: drill, request_type: realtime}
llm:
  targets: [first/scripted-fast, second/scripted-fast]
  deadline: {total: 2 s, first_token: 700 ms, idle: 700 ms}
""",
}


def question(number: int) -> dict[str, Any]:
    """Half of them streamed; none like another, so that each is answered anew."""
    text = f"Order {number} shipped on day {number % 28 + 1}. When did order {number} ship?"
    return {"messages": [{"role": "user", "content": text}], "stream": number % 2 == 0, "max_tokens": 20}


async def run(tell: Tell) -> tuple[list[Figure], list[Claim]]:
    """Ask both ways while a quarter of the first model's answers do not begin for six seconds."""
    servers = ScriptedServer(seed=2), ScriptedServer(seed=3)
    asked = [question(number) for number in range(CALLS)]
    async with staged(FILES, *servers, feature="support", model="scripted-fast") as stage:
        servers[0].faults.set(SILENT, rate=SHARE)
        tell(f"{CALLS} calls straight to the model")
        off = await load(stage.off, asked, at_a_time=8, patience=PATIENCE)
        tell(f"{CALLS} calls through Seawall")
        on = await load(stage.on, asked, at_a_time=8, patience=PATIENCE)
    figures = [
        *_latency("P50", 0.5, off, on),
        *_latency("P90", 0.9, off, on),
        *_latency("P99", 0.99, off, on),
        Figure("within 2 s", _within(off), _within(on), "%"),
        Figure("answered", _answered(off), _answered(on), "%"),
    ]
    slowest = max(each.ms for each in on)
    return figures, [
        Claim(
            "the failure was there: without Seawall some calls took over 5 s", max(r.ms for r in off) > 5000
        ),
        Claim(
            f"no call took longer than its 2 s (slowest {slowest:.0f} ms)", slowest < DEADLINE_MS + SLACK_MS
        ),
        Claim("at least 95 % of the calls were answered in full", _answered(on) >= 95.0),
        Claim("more calls were answered in time than without", _within(on) > _within(off)),
    ]


def _latency(name: str, share: float, off: list[Result], on: list[Result]) -> list[Figure]:
    return [Figure(name, percentile([r.ms for r in off], share), percentile([r.ms for r in on], share), "ms")]


def _within(results: list[Result]) -> float:
    return 100.0 * sum(each.ok and each.ms <= DEADLINE_MS for each in results) / len(results)


def _answered(results: list[Result]) -> float:
    return 100.0 * sum(each.ok for each in results) / len(results)


DRILL = Drill("FM-02", "Latency spikes", "25 % of the first model's answers stay silent for 6 s", run)
