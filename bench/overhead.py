"""What a gateway adds: `python bench/overhead.py [--quick] [--json FILE] [--cmd … --url … --key …]` (Linux).

Starts a stand-in for a provider, a relay that checks nothing, and `seawall serve` on a project made for the
occasion (all five layers, keys checked, every call recorded in SQLite, personal data redacted), and asks
each of them in turn. Prints Markdown; ratios are to the relay in the same round. See `bench/README.md`.
"""

import argparse
import json
import platform
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import processes
from figures import AtRest, Case, Measured, Rounds, middle, report, show, table
from processes import GATEWAY, LOAD

HERE = Path(__file__).parent
DIRECT, RELAY = "direct", "relay"
PATIENCE = 60.0  # seconds until a target must answer
IMPORTS = (("import seawall", "import seawall"), ("…and its first use", "import seawall; seawall.open"))

CASES = (
    Case("c32", "32 connections, prompt 1 KB, provider answers at once", "closed", "mock-d0", 32),
    Case("c32-8k", "The same with a prompt of 8 KB", "closed", "mock-d0", 32, prompt=8000),
    Case("r200", "200 requests/s, provider takes 20 ms", "open", "mock-d20", 64, rate=200, stretch=2.5),
    Case(
        "s200", "200 streams at a time of 50 chunks, 20 ms apart", "streams", "mock-s50x20", 200, stretch=1.5
    ),
)
QUICK = ("c32", "r200", "s200")
WARM_UP = (CASES[0], CASES[3])

PROCESS_FILE = """\
seawall: 1
listen: 127.0.0.1:{port}
state: state
providers:
  bench:
    kind: openai
    vendor: vllm
    base_url: http://127.0.0.1:{upstream}/v1
drain: 1 s
"""
FEATURE_FILE = """\
seawall: 1
feature: {model}
intent:
  purpose: Answer whatever the benchmark asks.
  owner: The benchmark
  request_type: reasoning
input:
  rate: 10000000/s per key
  concurrency: 100000 per key
llm:
  targets: [bench/{model}]
monitoring:
  keep:
    content: redacted
"""


class Target(NamedTuple):
    """Somebody to ask; `direct` is the provider itself."""

    name: str
    url: str
    key: str = "sk-bench"
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0


class Bench:
    """The processes of one run; leaving the context ends all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cores = processes.cores()
        self._stack = ExitStack()

    def __enter__(self) -> "Bench":
        self.upstream = free_port()
        provider = [sys.executable, str(HERE / "upstream.py"), str(self.upstream)]
        url = f"http://127.0.0.1:{self.upstream}/v1/chat/completions"
        with ExitStack() as stack:
            self._stack = stack
            self.direct = self.launch("provider", provider, url, core=LOAD)._replace(
                name=DIRECT, process=None
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def relay(self) -> Target:
        port = free_port()
        command = [sys.executable, str(HERE / "relay.py"), str(port), str(self.upstream)]
        return self.launch(RELAY, command, f"http://127.0.0.1:{port}/v1/chat/completions")

    def seawall(self) -> Target:
        project, port = self.folder / "project", free_port()
        (project / "features").mkdir(parents=True)
        (project / "seawall.yaml").write_text(PROCESS_FILE.format(port=port, upstream=self.upstream))
        for model in {case.model for case in CASES}:
            (project / "features" / f"{model}.yaml").write_text(FEATURE_FILE.format(model=model))
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        command = [sys.executable, "-m", "seawall", "serve", str(project)]
        # The first start makes the database and a key; the second, as all later ones, is what is measured.
        first = self.launch("seawall", command, url, key_file=project / "state" / "key")
        if first.process is not None:
            processes.stop(first.process)
        return self.launch("seawall", command, url, first.key)

    def launch(
        self,
        name: str,
        command: list[str],
        url: str,
        key: str = "sk-bench",
        *,
        core: str = GATEWAY,
        key_file: Path | None = None,
    ) -> Target:
        """Start *command* and wait until it answers a chat completion at *url*.

        The key is what *key_file* says, if that is given and as soon as it is there.
        """
        log = self.folder / f"{name}.log"
        began = time.monotonic()
        process = processes.start(command, self.cores[core], log, {"BENCH_UPSTREAM": self.upstream_url})
        self._stack.callback(processes.stop, process)
        target = Target(name, url, key, process)
        while not answers(target):
            if key_file is not None and key_file.exists():
                target = target._replace(key=key_file.read_text().strip())
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                sys.exit(f"{name} does not answer at {url}. It printed:\n{log.read_text(errors='replace')}")
            time.sleep(0.01)
        return target._replace(started=time.monotonic() - began)

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream}/v1"

    def load(self, target: Target, case: Case, seconds: float) -> Measured:
        """Ask *target* for *seconds*; the load generator's own result."""
        job = {
            "mode": case.mode,
            "url": target.url,
            "key": target.key,
            "model": case.model,
            "connections": case.connections,
            "seconds": seconds * case.stretch,
            "rate": case.rate,
            "prompt": case.prompt,
        }
        log = self.folder / "load.json"
        load = processes.start(
            [sys.executable, str(HERE / "load.py"), json.dumps(job)], self.cores[LOAD], log, {}
        )
        if load.wait() != 0:
            sys.exit(f"asking {target.name!r} failed:\n{log.read_text()}")
        told: Measured = json.loads(log.read_text().splitlines()[-1])
        return told

    def measure(self, target: Target, case: Case, seconds: float) -> Measured:
        """The same, and what the target used for it until it was at rest again."""
        pid, core = target.pid, self.cores[GATEWAY]
        used, busy, began = processes.cpu_seconds(pid), processes.busy_seconds(core), time.monotonic()
        told = self.load(target, case, seconds)
        took = time.monotonic() - began
        while_asked = processes.cpu_seconds(pid) - used
        told["foreign"] = max(0.0, processes.busy_seconds(core) - busy - while_asked) / took
        told["cpu"] = told["cpu_later"] = told["busy"] = None
        if pid:
            told["cpu"] = processes.settled_cpu_seconds(pid) - used
            told["cpu_later"] = told["cpu"] - while_asked
            told["busy"] = while_asked / (seconds * case.stretch)
        return told

    def rest(self, target: Target) -> AtRest:
        """What *target* takes before anything but the first question was asked."""
        processes.settled_cpu_seconds(target.pid)
        used = processes.cpu_seconds(target.pid)
        time.sleep(1)
        idle = processes.cpu_seconds(target.pid) - used
        return AtRest(target.started, processes.memory_mib(target.pid), idle * 1000)


def answers(target: Target) -> bool:
    """Whether the target answers a question with what the provider says."""
    body = json.dumps({"model": "mock-d0", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    headers = {"authorization": f"Bearer {target.key}", "content-type": "application/json"}
    request = urllib.request.Request(target.url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return "~" in json.load(response)["choices"][0]["message"]["content"]
    except (OSError, ValueError, LookupError):
        return False


def free_port() -> int:
    """A port of the loopback interface that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def go_round(bench: Bench, targets: list[Target], cases: list[Case], rounds: int, seconds: float) -> Rounds:
    """Measure all cases on all targets, in turn, and every other round the other way round."""
    done: Rounds = {case.name: {target.name: [] for target in targets} for case in cases}
    for number in range(rounds):
        for case in cases:
            for target in targets if number % 2 == 0 else reversed(targets):
                done[case.name][target.name].append(bench.measure(target, case, seconds))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return done


def import_times() -> dict[str, float | None]:
    """Milliseconds that imports take in a fresh interpreter, its own start left out."""
    times = {}
    for name, statement in IMPORTS:
        timed = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        runs = [subprocess.check_output([sys.executable, "-c", timed]) for _ in range(5)]
        times[name] = middle([float(run) * 1000 for run in runs])
    return times


def profile(bench: Bench, seconds: float) -> None:
    """Keep Seawall busy and say how to look into it from outside."""
    target = bench.seawall()
    print(f"seawall is process {target.pid} and will be busy for {seconds:g} s. In another terminal:")
    print(f"  py-spy top --pid {target.pid}")
    print(f"  py-spy record --pid {target.pid} --duration {seconds / 2:.0f} --rate 500 --output profile.svg")
    print("py-spy is no dependency of the project: `uvx py-spy …` runs it. --native shows what uvloop does.")
    bench.load(target, CASES[0], seconds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round, without the 8 KB prompts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all single measurements to FILE")
    parser.add_argument("--profile", type=float, metavar="SECONDS", help="keep Seawall busy for a profiler")
    other = parser.add_argument_group("one more gateway, measured in the same way")
    other.add_argument("--cmd", help="starts it; {upstream} stands for the provider's base URL")
    other.add_argument("--url", help="of its chat completions")
    other.add_argument("--key", default="sk-bench", help="its API key")
    asked = parser.parse_args()
    if (asked.cmd is None) != (asked.url is None):
        parser.error("--cmd and --url belong together")
    return asked


def main() -> None:
    if not Path("/proc/self/schedstat").exists():
        sys.exit("the benchmark reads CPU times from /proc/*/task/*/schedstat, which only Linux has")
    asked = arguments()
    cases = [case for case in CASES if not asked.quick or case.name in QUICK]
    rounds, seconds = (1, min(1.0, asked.seconds)) if asked.quick else (asked.rounds, asked.seconds)
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as folder, Bench(Path(folder)) as bench:
        if asked.profile:
            profile(bench, asked.profile)
            return
        targets = [bench.relay(), bench.seawall()]
        if asked.cmd:
            command = shlex.split(asked.cmd.replace("{upstream}", bench.upstream_url))
            targets.append(bench.launch("other", command, asked.url, asked.key))
        at_rest = {target.name: bench.rest(target) for target in targets}
        for target in targets:
            for case in WARM_UP:
                bench.load(target, case, 1.0)
        measured = go_round(bench, [bench.direct, *targets], cases, rounds, seconds)
        for target in targets:
            at_rest[target.name] = at_rest[target.name]._replace(loaded_mib=processes.memory_mib(target.pid))
    imports = import_times()
    cores = (
        "gateway on a core of its own" if bench.cores[GATEWAY] != bench.cores[LOAD] else "one core for all"
    )
    print(f"Python {platform.python_version()}, {platform.machine()}, {cores}, {rounds} x {seconds:g} s\n")
    print(report(cases, measured, at_rest, reference=RELAY, direct=DIRECT))
    print(
        "\n" + table(["in a fresh interpreter", "ms"], [[name, show(ms, 1)] for name, ms in imports.items()])
    )
    if asked.json:
        rest = {name: rest._asdict() for name, rest in at_rest.items()}
        document = {"measured": measured, "at_rest": rest, "import_ms": imports}
        asked.json.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
