"""A recorder in a house where time and the store's failures are owned by the test."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from seawall.core.errors import StoreError
from seawall.core.record import Content, Record
from seawall.layers.monitoring.recorder import CallRecorder, RecorderSettings
from seawall.layers.monitoring.spool import Fault, no_fault
from seawall.testing import FakeClock

from tests.support.recorded import content, record


class ListStore:
    """Keeps calls in a list, and fails when it is told to."""

    def __init__(self) -> None:
        self.calls: dict[str, tuple[Record, Content | None]] = {}
        self.batches: list[int] = []
        self.failing: Callable[[int], StoreError | None] = lambda _: None
        self.refused: set[str] = set()

    def add_calls(self, batch: Sequence[tuple[Record, Content | None]]) -> None:
        self.batches.append(len(batch))
        failure = self.failing(len(self.batches))
        if failure is not None:
            raise failure
        if any(each.id in self.refused for each, _ in batch):
            error = StoreError("a value is out of range")
            error.retryable = False
            raise error
        for each, said in batch:
            self.calls.setdefault(each.id, (each, said))


class House:
    """A recorder whose time is owned by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ListStore()
        self.clock = FakeClock()
        self.recorders: list[CallRecorder] = []

    def open(
        self,
        *,
        when_idle: Callable[[], int] | None = None,
        fault: Fault = no_fault,
        **settings: object,
    ) -> CallRecorder:
        """A recorder on this house's folder and store, driven by `settle`."""
        made = CallRecorder(
            self.store,  # type: ignore[arg-type]  # only one of a store's methods is used
            self.folder,
            RecorderSettings(**settings),  # type: ignore[arg-type]  # each test names its own
            when_idle=when_idle,
            monotonic=self.clock.monotonic,
            fault=fault,
        )
        self.recorders.append(made)
        return made

    def settle(self, recorder: CallRecorder, seconds: float = 60.0) -> None:
        """Let the writer do all it can in *seconds*."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(max(recorder.step(), 0.001))

    def files(self, pattern: str = "*.seg") -> list[Path]:
        return sorted(path for path in self.folder.glob(pattern) if path.stat().st_size)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "spool")
    yield house
    for recorder in house.recorders:
        recorder.close(timeout=0.0)


def submit(recorder: CallRecorder, *numbers: int) -> None:
    for number in numbers:
        recorder.reserve()
        recorder.submit(record(number), content())


def stored(house: House) -> list[str]:
    return list(house.store.calls)
