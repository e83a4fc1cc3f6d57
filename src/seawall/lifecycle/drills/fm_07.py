"""FM-07: inconsistent output format. The model breaks the JSON it was asked for, in many ways."""

from typing import Any

import msgspec
from jsonschema_rs import validator_for

from seawall.lifecycle.drills.frame import Claim, Drill, Figure, Tell, percentile
from seawall.lifecycle.drills.stage import Result, load, staged
from seawall.plugins.providers.scripted import ScriptedServer

ROUNDS = 14
FAULTS = (
    "json_fences",
    "json_trailing_commas",
    "json_prose",
    "json_single_quotes",
    "json_wrong_type",
    "json_extra",
    "json_missing",
    "json_truncated",
)
RATE = 0.3
"""Share of the answers that are broken; an answer asked for again may be broken again."""
PATIENCE = 20.0
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "integer"},
        "customer": {"type": "string"},
        "email": {"type": "string"},
        "status": {"enum": ["shipped", "pending", "returned"]},
        "items": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["order_id", "customer", "email", "status", "items"],
    "additionalProperties": False,
}

FILES = {
    "seawall.yaml": """\
seawall: 1
providers:
  model: {kind: openai, vendor: vllm, base_url: "{0}"}
""",
    "schemas/order.json": msgspec.json.encode(SCHEMA).decode(),
    "features/extract.yaml": """\
seawall: 1
feature: extract
intent: {purpose: Read orders out of e-mails., owner: drill, request_type: extraction}
llm: {targets: [model/scripted-instant]}
validation: {output: ../schemas/order.json}
""",
}


def request(number: int) -> dict[str, Any]:
    """An e-mail to read; half of the answers are streamed."""
    text = (
        f"From: buyer{number}@example.org. Hello, I am Ada Number{number}. My order {1000 + number} with "
        f"two lamps and a chair is {('shipped', 'pending', 'returned')[number % 3]}. Please confirm."
    )
    form = {"type": "json_schema", "json_schema": {"name": "order", "schema": SCHEMA}}
    return {
        "messages": [{"role": "user", "content": text}],
        "stream": number % 2 == 0,
        "response_format": form,
    }


async def run(tell: Tell) -> tuple[list[Figure], list[Claim]]:
    """Ask both ways; each kind of fault meets its share of the answers of its round."""
    server = ScriptedServer(seed=7)
    off: list[Result] = []
    on: list[Result] = []
    async with staged(FILES, server, feature="extract", model="scripted-instant") as stage:
        for index, fault in enumerate(FAULTS):
            asked = [request(100 * index + number) for number in range(ROUNDS)]
            server.faults.set(fault, rate=RATE)
            tell(f"{fault}: {ROUNDS} calls each way")
            off += await load(stage.off, asked, at_a_time=6, patience=PATIENCE)
            on += await load(stage.on, asked, at_a_time=6, patience=PATIENCE)
    check = validator_for(SCHEMA)
    bad_on = sum(each.ok and not _valid(check, each.text) for each in on)
    figures = [
        Figure("usable answers", _share(check, off), _share(check, on), "%"),
        Figure("invalid answers delivered", _bad(check, off), float(bad_on)),
        Figure(
            "explicit errors", float(sum(not each.ok for each in off)), float(sum(not each.ok for each in on))
        ),
        Figure("P50", percentile([r.ms for r in off], 0.5), percentile([r.ms for r in on], 0.5), "ms"),
    ]
    return figures, [
        Claim("the failure was there: without Seawall some answers were unusable", _share(check, off) < 80.0),
        Claim("no answer that breaks its schema was delivered", bad_on == 0),
        Claim("at least 95 % of the answers were usable", _share(check, on) >= 95.0),
    ]


def _valid(check: Any, text: str) -> bool:
    try:
        return bool(check.is_valid(msgspec.json.decode(text)))
    except msgspec.DecodeError:
        return False


def _share(check: Any, results: list[Result]) -> float:
    return 100.0 * sum(each.ok and _valid(check, each.text) for each in results) / len(results)


def _bad(check: Any, results: list[Result]) -> float:
    return float(sum(each.ok and not _valid(check, each.text) for each in results))


DRILL = Drill(
    "FM-07", "Inconsistent output format", "30 % of the answers are broken JSON, in eight ways", run
)
