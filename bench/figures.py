"""From single measurements to a table: medians over the rounds, and ratios to the relay of the same round."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Measured = dict[str, Any]
"""One measurement: counts, `…_p50` and `…_p99` in microseconds, `cpu` in seconds, `foreign` as a share."""
Rounds = dict[str, dict[str, list[Measured]]]
"""Measurements by case and target, one for each round, in the order of the rounds."""

NONE = "–"


class Case(NamedTuple):
    """One kind of load."""

    name: str
    title: str
    mode: str
    model: str
    connections: int
    rate: int = 0
    prompt: int = 1000
    stretch: float = 1.0
    """How much longer than other cases it is measured, since fewer things happen in a second of it."""


class AtRest(NamedTuple):
    """What a target takes when nothing is asked of it."""

    started: float
    """Seconds from the start of its process to the first answer."""
    idle_mib: float
    idle_cpu_ms: float
    """Milliseconds of a core in each second."""
    loaded_mib: float = 0.0


def cpu_each(measured: Measured, of: str = "ok", cpu: str = "cpu") -> float | None:
    """Microseconds of a core for each answer (or for each of what *of* counts)."""
    count = measured.get(of) or 0
    return measured[cpu] * 1e6 / count if count and measured[cpu] is not None else None


def added(measured: Measured, direct: Measured, figure: str) -> float | None:
    """By how many milliseconds *figure* is above that of asking the provider without a gateway."""
    here, there = measured.get(figure), direct.get(figure)
    return None if here is None or there is None else (here - there) / 1000


def ratio(values: Sequence[float | None], references: Sequence[float | None]) -> float | None:
    """The median over the rounds of each value in relation to the reference of its own round."""
    pairs = [
        value / reference for value, reference in zip(values, references, strict=True) if value and reference
    ]
    return statistics.median(pairs) if pairs else None


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what was measured at all."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def show(value: float | None, digits: int = 0, unit: str = "") -> str:
    """A figure for people."""
    return NONE if value is None else f"{value:,.{digits}f}{unit}"


def show_spread(values: Sequence[float | None], digits: int = 0) -> str:
    """The median and, in brackets, the least and the most."""
    known = [value for value in values if value is not None]
    if not known:
        return NONE
    return f"{show(middle(known), digits)} ({show(min(known), digits)}–{show(max(known), digits)})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _columns(
    rounds: dict[str, list[Measured]], target: str, reference: str, of: str
) -> tuple[list[float | None], str]:
    each = [cpu_each(measured, of) for measured in rounds[target]]
    against = [cpu_each(measured, of) for measured in rounds[reference]]
    return each, show(ratio(each, against), 2, "x")


def _closed(rounds: dict[str, list[Measured]], targets: Sequence[str], reference: str) -> str:
    rows = []
    for target in targets:
        each, against = _columns(rounds, target, reference, "ok")
        cost = middle(each)
        rows.append(
            [
                target,
                show_spread(each),
                against,
                show(middle([cpu_each(m, cpu="cpu_later") for m in rounds[target]])),
                show(1e6 / cost if cost else None),
                show(middle([m["per_second"] for m in rounds[target]])),
                show(middle([m["busy"] for m in rounds[target]]), 2),
                show(_ms(rounds[target], "latency_p50"), 2),
                show(_ms(rounds[target], "latency_p99"), 2),
                _failed(rounds[target]),
            ]
        )
    head = [
        "target",
        "CPU us/request (least–most)",
        "to relay",
        "of it put off, us",
        "requests/s of a whole core",
        "requests/s seen",
    ]
    return table([*head, "share of core used", "p50 ms", "p99 ms", "failed"], rows)


def _open(rounds: dict[str, list[Measured]], targets: Sequence[str], reference: str, direct: str) -> str:
    rows = []
    for target in targets:
        each, against = _columns(rounds, target, reference, "ok")
        pairs = list(zip(rounds[target], rounds[direct], strict=True))
        rows.append(
            [
                target,
                show_spread([added(m, d, "latency_p50") for m, d in pairs], 2),
                show_spread([added(m, d, "latency_p99") for m, d in pairs], 2),
                show_spread(each),
                against,
                _failed(rounds[target]),
            ]
        )
    return table(["target", "added p50 ms", "added p99 ms", "CPU us/request", "to relay", "failed"], rows)


def _streams(rounds: dict[str, list[Measured]], targets: Sequence[str], reference: str, direct: str) -> str:
    rows = []
    for target in targets:
        each, against = _columns(rounds, target, reference, "chunks")
        pairs = list(zip(rounds[target], rounds[direct], strict=True))
        rows.append(
            [
                target,
                show_spread(each, 1),
                against,
                show(_ms(rounds[target], "lag_p50"), 2),
                show(_ms(rounds[target], "lag_p99"), 2),
                show(middle([added(m, d, "latency_p50") for m, d in pairs]), 2),
                show(middle([added(m, d, "latency_p99") for m, d in pairs]), 2),
                _failed(rounds[target]),
            ]
        )
    head = ["target", "CPU us/chunk", "to relay", "chunk lag p50 ms", "chunk lag p99 ms"]
    return table([*head, "first chunk added p50 ms", "first chunk added p99 ms", "failed"], rows)


def _ms(rounds: list[Measured], figure: str) -> float | None:
    value = middle([measured[figure] for measured in rounds])
    return None if value is None else value / 1000


def _failed(rounds: list[Measured]) -> str:
    failed = sum(measured["failed"] for measured in rounds)
    return f"{failed} of {failed + sum(measured['ok'] for measured in rounds)}" if failed else "0"


def report(
    cases: Sequence[Case], rounds: Rounds, at_rest: dict[str, AtRest], *, reference: str, direct: str
) -> str:
    """Everything as Markdown. *reference* is what ratios are to, *direct* the row without a gateway."""
    targets = list(at_rest)
    tables: dict[str, Callable[[dict[str, list[Measured]]], str]] = {
        "closed": lambda of_case: _closed(of_case, [direct, *targets], reference),
        "open": lambda of_case: _open(of_case, targets, reference, direct),
        "streams": lambda of_case: _streams(of_case, [direct, *targets], reference, direct),
    }
    parts = [f"{case.title}\n\n{tables[case.mode](rounds[case.name])}" for case in cases]
    rows = [
        [
            target,
            show(rest.started, 2),
            show(rest.idle_mib),
            show(rest.loaded_mib),
            show(rest.idle_cpu_ms, 1),
        ]
        for target, rest in at_rest.items()
    ]
    head = ["target", "start to first answer, s", "memory idle, MiB (Pss)", "after load, MiB"]
    parts.append("At rest\n\n" + table([*head, "CPU ms/s when idle"], rows))
    foreign = [
        measured["foreign"]
        for of_case in rounds.values()
        for target in targets
        for measured in of_case[target]
    ]
    parts.append(
        f"Others' share of the gateway's core while measuring: median {statistics.median(foreign):.0%}, "
        f"most {max(foreign):.0%}. On a busy machine ratios hold, CPU times rise, and latencies say little."
    )
    return "\n\n".join(parts)
