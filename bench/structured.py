"""Score the repair of structured output: `python bench/structured.py ROWS.jsonl [PREDICTIONS]`.

A row has `id`, `schema`, `expect` (`repair`, `clean`, `reject` or `partial`), `faults`, `broken`, and what
was meant: `intended`, and for cut streams `min_leaves`. Prints what is right, by fault, and the time each
repair took; writes one prediction per row (`id`, `output`, `ok`, `ms`) to PREDICTIONS if that is named.
"""

import collections
import gc
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seawall.layers.validation.repair import partial, repair
from seawall.layers.validation.schema import OutputSchema


def rows(path: str) -> Iterator[dict[str, Any]]:
    for line in Path(path).read_text("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def plain(value: Any) -> Any:
    """Numbers that are whole are written as such, so that 1 and 1.0 are the same."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def same(one: Any, other: Any) -> bool:
    return json.dumps(plain(one), sort_keys=True) == json.dumps(plain(other), sort_keys=True)


def leaves(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(leaves, members)) or 1


def is_beginning(value: Any, whole: Any, *, last: bool = True) -> bool:
    """Whether *value* is what one may know of *whole* after a cut: only the last value may be incomplete."""
    if isinstance(whole, dict) and isinstance(value, dict):
        keys = list(value)
        return all(
            key in whole and is_beginning(value[key], whole[key], last=last and key == keys[-1])
            for key in keys
        ) and (last or keys == list(whole))
    if isinstance(whole, list) and isinstance(value, list):
        ends = len(value) - 1
        return (
            len(value) <= len(whole)
            and (last or len(value) == len(whole))
            and all(is_beginning(value[at], whole[at], last=last and at == ends) for at in range(len(value)))
        )
    if last and isinstance(value, str) and isinstance(whole, str):
        return whole.startswith(value)
    return same(value, whole)


def judge(row: dict[str, Any], output: Any, ok: bool) -> tuple[bool, bool]:
    """Whether *output* is right for *row*, and whether it was wrongly called ok."""
    match row["expect"]:
        case "reject":
            return not ok, ok
        case "partial":
            fine = is_beginning(output, row["intended"]) and leaves(output) >= row["min_leaves"]
            return fine, ok and not fine
        case _:
            right = ok and same(output, row["intended"])
            return right, ok and not right


def main(path: str, predictions: str = "") -> None:
    kinds: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0, 0])
    faults: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    times: list[float] = []
    lines = []
    compiled = [(row, OutputSchema(row["schema"])) for row in rows(path)]
    gc.collect()
    gc.freeze()
    for row, schema in compiled:
        started = time.thread_time()
        repaired = repair(row["broken"], schema)
        output = (
            repaired.value if repaired else partial(row["broken"]) if row["expect"] == "partial" else None
        )
        times.append((time.thread_time() - started) * 1e3)
        ok = repaired is not None
        right, false_ok = judge(row, output, ok)
        damaged = row["expect"] == "clean" and (repaired is None or repaired.text != row["broken"])
        right = right and not damaged
        for key in (row["expect"], "all"):
            kinds[key][0] += right
            kinds[key][1] += false_ok
            kinds[key][2] += 1
        for fault in row["faults"] or ["(clean)"]:
            name = f"{row['expect']}: {fault}"
            faults[name][0] += right
            faults[name][1] += 1
        lines.append(json.dumps({"id": row["id"], "output": output, "ok": ok, "ms": times[-1]}))
    for key, (right_count, false, count) in sorted(kinds.items()):
        print(
            f"{key:8} {right_count:4} of {count:4} right ({right_count / count:7.2%}), {false} wrong but ok"
        )
    times.sort()
    print(
        f"ms: p50 {times[len(times) // 2]:.3f}  p99 {times[int(len(times) * 0.99)]:.3f}  max {times[-1]:.3f}"
    )
    for name, (right_count, count) in sorted(faults.items()):
        print(f"  {name:32} {right_count:4} of {count:4}")
    if predictions:
        Path(predictions).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
