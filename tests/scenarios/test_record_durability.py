"""A record whose `submit` has returned is kept, whatever kills the process, whenever."""

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from seawall.core.ports import CallQuery
from seawall.layers.monitoring.recorder import CallRecorder, Counters
from seawall.plugins.stores import open_store

from tests.support.recorded import content, record
from tests.support.recording_child import SETTINGS, record_calls

POINTS = [
    "submit begun",
    "record encoded",
    "segment begun",
    "frame written",
    "submit done",
    "segments adopted",
    "batch taken",
    "batch committed",
    "segment to be deleted",
    "segment deleted",
    "segment read",
]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.support.recording_child"])


class Machine:
    """Where the process runs that is killed: what is on its disk outlives it."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self.url = f"sqlite:///{folder}/records.db"
        store = open_store(self.url)
        store.migrate()
        store.close()
        self.acknowledged: list[int] = []

    def run(self, point: str = "", times: int = 1, until: int = 100_000) -> None:
        """Record calls until the process dies at *point*, or has acknowledged *until* calls and is killed."""
        ours, theirs = _forks.Pipe(duplex=False)
        first = (
            len(self.acknowledged) and max(self.acknowledged) + 2
        )  # the one under way may be there as well
        child = _forks.Process(target=record_calls, args=(self.spool, self.url, point, times, first, theirs))
        child.start()
        theirs.close()
        assert child.pid is not None
        said: list[int] = []
        try:
            while len(said) < until:
                said.append(ours.recv())
            os.kill(child.pid, signal.SIGKILL)
            while True:
                said.append(ours.recv())
        except EOFError:
            pass
        child.join()
        ours.close()
        assert child.exitcode == -signal.SIGKILL
        self.acknowledged += said

    def recover(self) -> Counters:
        """Start again, and let everything arrive."""
        store = open_store(self.url)
        recorder = CallRecorder(store, self.spool, SETTINGS)
        recorder.start()
        assert recorder.flush(30.0)
        assert recorder.close()
        store.close()
        return recorder.counters

    def check(self) -> None:
        """Every acknowledged call is there once, as it was, and nothing is left in the spool."""
        store = open_store(self.url)
        found = {each.id: each for each in store.find_calls(CallQuery(limit=1_000_000))}
        for number in self.acknowledged:
            assert found[f"call-{number}"] == record(number)
        for number in self.acknowledged[:: max(1, len(self.acknowledged) // 20)]:
            stored = store.get_call(f"call-{number}")
            assert stored is not None
            assert stored.content == content(f"question {number}", f"answer {number}")
        store.close()
        assert [path.name for path in self.spool.iterdir()] == []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("point", POINTS[:5])
def test_killed_while_a_call_is_submitted_nothing_acknowledged_is_lost(
    machine: Machine, point: str, times: int
) -> None:
    machine.run(point, times)
    machine.recover()
    machine.check()


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("point", POINTS[6:10])
def test_killed_while_a_batch_is_written_nothing_acknowledged_is_lost(
    machine: Machine, point: str, times: int
) -> None:
    machine.run(point, times)
    assert machine.acknowledged
    machine.recover()
    machine.check()


@pytest.mark.parametrize(
    "point", ["segments adopted", "segment read", "batch committed", "segment to be deleted"]
)
def test_killed_again_while_recovering_nothing_acknowledged_is_lost(machine: Machine, point: str) -> None:
    machine.run("batch committed", times=2)
    machine.run(point)
    machine.run(point, times=2 if point != "segments adopted" else 1)
    machine.recover()
    machine.check()


@pytest.mark.parametrize("until", [1, 23, 150, 611, 1500])
def test_killed_at_any_moment_under_load_nothing_acknowledged_is_lost(machine: Machine, until: int) -> None:
    machine.run(until=until)
    counters = machine.recover()
    machine.check()
    assert counters.dropped == counters.bad_frames == 0


def test_processes_that_share_a_folder_and_die_one_after_the_other_lose_nothing(machine: Machine) -> None:
    for until in (40, 90, 10):
        machine.run(until=until)
    machine.recover()
    machine.check()


def test_every_point_where_it_can_be_killed_is_tried() -> None:
    """A new point in the write path has to be added here, too."""
    package = Path(__import__("seawall.layers.monitoring", fromlist=["x"]).__file__).parent
    named = {
        line.split('_fault("')[1].split('"')[0]
        for file in ("recorder.py", "writer.py", "spool.py")
        for line in (package / file).read_text().splitlines()
        if '_fault("' in line
    }
    assert named == set(POINTS)


def test_the_database_of_a_killed_process_is_sound(machine: Machine) -> None:
    machine.run("batch committed", times=5)
    connection = sqlite3.connect(machine.url.removeprefix("sqlite:///"))
    assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()
