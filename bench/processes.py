"""Processes to be measured: start and stop them on a core of their own, and read what they use (Linux)."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

GATEWAY, LOAD = "gateway", "load"


def cores() -> dict[str, set[int]]:
    """The cores for the gateway and for everything else; the same ones for both where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return {GATEWAY: set(allowed), LOAD: set(allowed)}
    return {GATEWAY: {allowed[0]}, LOAD: set(allowed[1:])}


def start(command: list[str], on: set[int], log: Path, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start *command* on the cores *on*; what it prints goes to *log*. Bytecode is cached as usual."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, on)  # children inherit it from their first moment
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | env,
            )
    finally:
        os.sched_setaffinity(0, ours)


def stop(process: "subprocess.Popen[bytes]", patience: float = 10.0) -> None:
    """Ask the process to end; after *patience* seconds kill it and its children, each by its id."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        for member in tree(process.pid):
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        process.wait()


def tree(pid: int) -> list[int]:
    """The process and all its descendants that are alive."""
    found, to_visit = [], [pid]
    while to_visit:
        current = to_visit.pop()
        found.append(current)
        for children in Path(f"/proc/{current}/task").glob("*/children"):
            with suppress(OSError):
                to_visit += map(int, children.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """Time on a core of every living thread of the tree, as the scheduler counts it."""
    nanoseconds = 0
    for member in tree(pid):
        for stat in Path(f"/proc/{member}/task").glob("*/schedstat"):
            with suppress(OSError):
                nanoseconds += int(stat.read_text().split()[0])
    return nanoseconds / 1e9


def settled_cpu_seconds(pid: int, rest: float = 1.5, patience: float = 30.0) -> float:
    """The same once the tree has been at rest for *rest* seconds, or *patience* is over.

    What a gateway puts off until nobody asks, such as storing and indexing records, belongs to its work.
    """
    now = time.monotonic()
    until, resting_since, before = now + patience, now, cpu_seconds(pid)
    while now < until and now - resting_since < rest:
        time.sleep(0.1)
        now, used = time.monotonic(), cpu_seconds(pid)
        if used - before > 0.003:  # more than 3 % of a core
            resting_since = now
        before = used
    return before


def memory_mib(pid: int) -> float:
    """Memory of the tree in MiB, pages that are shared counted by their share (Pss)."""
    kib = 0
    for member in tree(pid):
        with suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
    return kib / 1024


def busy_seconds(on: set[int]) -> float:
    """How long these cores have done anything since the machine started."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in on:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")
