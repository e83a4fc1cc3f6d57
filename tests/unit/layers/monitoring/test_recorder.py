"""The recorder: reserve, submit, and what becomes of a record when something else fails."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from seawall.core.errors import Overloaded, StoreError
from seawall.core.messages import Message, Text
from seawall.core.record import Content, Decision, Record
from seawall.core.request import ChatRequest
from seawall.layers.monitoring.recorder import CallRecorder, RecorderSettings
from seawall.layers.monitoring.redact import KeepAll, PatternRedactor
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

    def open(self, **settings: object) -> CallRecorder:
        made = CallRecorder(
            self.store,  # type: ignore[arg-type]  # only one of a store's methods is used
            self.folder,
            KeepAll(),
            RecorderSettings(**settings),  # type: ignore[arg-type]
            monotonic=self.clock.monotonic,
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


# --- the way of a record


def test_a_record_is_on_disk_when_submit_returns_and_in_the_store_soon_after(house: House) -> None:
    recorder = house.open()
    submit(recorder, 1)
    (file,) = house.files()
    assert b"where is my parcel" in file.read_bytes()
    assert stored(house) == []
    house.settle(recorder, 0.1)
    assert house.store.calls["call-1"] == (record(1), content())
    assert (recorder.counters.submitted, recorder.counters.committed) == (1, 1)


def test_nothing_of_what_was_said_stays_in_the_spool_once_it_is_in_the_store(house: House) -> None:
    recorder = house.open()
    submit(recorder, 1, 2, 3)
    house.settle(recorder, 3.0)
    assert house.files() == []
    assert recorder.counters.spooled_bytes == 0
    submit(recorder, 4)
    assert len(house.files()) == 1


def test_calls_are_committed_together(house: House) -> None:
    recorder = house.open(batch=10)
    submit(recorder, *range(25))
    house.settle(recorder, 1.0)
    assert house.store.batches == [10, 10, 5]
    assert stored(house) == [f"call-{number}" for number in range(25)]


def test_a_submitted_record_gives_its_place_back(house: House) -> None:
    recorder = house.open(most_calls=2)
    recorder.reserve()
    recorder.reserve()
    with pytest.raises(Overloaded, match="cannot be recorded") as caught:
        recorder.reserve()
    assert "2 calls under way" in caught.value.hint
    recorder.submit(record(1), content())
    with pytest.raises(Overloaded):
        recorder.reserve()  # it waits for the store now
    house.settle(recorder, 0.1)
    recorder.reserve()


def test_calls_from_many_threads_are_all_kept_once(house: House) -> None:
    recorder = house.open(segment_bytes=2000)
    threads = [
        threading.Thread(target=submit, args=(recorder, *range(start, start + 50)))
        for start in range(0, 400, 50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.settle(recorder, 3.0)
    assert sorted(stored(house)) == sorted(f"call-{number}" for number in range(400))
    assert house.files() == []
    assert recorder.counters.reserved == 0


# --- the store fails


@pytest.mark.parametrize("failing", range(1, 8))
def test_whichever_call_of_the_store_fails_each_record_arrives_in_order(house: House, failing: int) -> None:
    recorder = house.open(batch=2)
    house.store.failing = lambda number: StoreError("away") if number == failing else None
    submit(recorder, *range(10))
    house.settle(recorder, 2.0)
    assert stored(house) == [f"call-{number}" for number in range(10)]
    assert recorder.counters.committed == 10


def test_a_store_that_is_down_is_asked_less_and_less_often_and_then_serves_without_a_restart(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = house.open()
    house.store.failing = lambda _: StoreError("connection refused")
    submit(recorder, *range(5))
    with caplog.at_level(logging.ERROR, "seawall.recorder"):
        house.settle(recorder, 59.0)
    assert 10 < len(house.store.batches) < 25
    assert [each.getMessage() for each in caplog.records] == [
        "records cannot be brought into the store: connection refused"
    ]
    assert recorder.counters.oldest_age == pytest.approx(59.0, abs=5.0)
    assert house.files()
    house.store.failing = lambda _: None
    house.settle(recorder, 10.0)
    assert len(stored(house)) == 5
    assert house.files() == []
    assert recorder.counters.oldest_age == 0.0


def test_a_commit_whose_answer_was_lost_is_repeated_without_harm(house: House) -> None:
    recorder = house.open()
    inner = house.store.add_calls

    def answer_lost(batch: Sequence[tuple[Record, Content | None]]) -> None:
        inner(batch)
        if len(house.store.batches) == 1:
            raise StoreError("the connection was closed")

    house.store.add_calls = answer_lost  # type: ignore[method-assign]
    submit(recorder, 1, 2)
    house.settle(recorder, 2.0)
    assert stored(house) == ["call-1", "call-2"]
    assert recorder.counters.committed == 2


def test_a_call_the_store_will_never_take_is_set_aside_and_stops_nobody(house: House) -> None:
    recorder = house.open()
    house.store.refused = {"call-3", "call-7"}
    submit(recorder, *range(10))
    house.settle(recorder, 2.0)
    assert len(stored(house)) == 8
    assert recorder.counters.rejected == 2
    (bad,) = house.files("*.bad")
    assert b"call-3" in bad.read_bytes()
    assert b"call-7" in bad.read_bytes()
    assert house.files() == []


# --- too much


def test_calls_are_not_begun_once_the_spool_is_full_and_begun_again_when_the_store_is_back(
    house: House,
) -> None:
    recorder = house.open(most_bytes=2000)
    house.store.failing = lambda _: StoreError("away")
    with pytest.raises(Overloaded) as caught:  # noqa: PT012  # where it happens is not the point
        for number in range(100):
            submit(recorder, number)
    assert "bytes of records are waiting" in caught.value.hint
    kept = recorder.counters.submitted
    house.settle(recorder, 5.0)
    house.store.failing = lambda _: None
    house.settle(recorder, 10.0)
    submit(recorder, 101)
    house.settle(recorder, 1.0)
    assert len(stored(house)) == kept + 1
    assert recorder.counters.dropped == 0


def test_where_calls_must_go_on_records_are_dropped_and_counted(house: House) -> None:
    recorder = house.open(most_bytes=2000, when_full="drop")
    house.store.failing = lambda _: StoreError("away")
    submit(recorder, *range(50))
    counters = recorder.counters
    assert 0 < counters.dropped < 50
    assert counters.spooled_bytes < 3000
    house.store.failing = lambda _: None
    house.settle(recorder, 5.0)
    assert len(stored(house)) == 50 - counters.dropped


def test_what_does_not_fit_into_memory_waits_on_disk_and_arrives(house: House) -> None:
    recorder = house.open(memory_bytes=3000, segment_bytes=5000, batch=4)
    house.store.failing = lambda _: StoreError("away")
    submit(recorder, *range(60))
    house.settle(recorder, 5.0)
    assert len(recorder._writer._queue) < 15
    house.store.failing = lambda _: None
    house.settle(recorder, 20.0)
    submit(recorder, 60)
    house.settle(recorder, 5.0)
    assert sorted(stored(house)) == sorted(f"call-{number}" for number in range(61))
    assert recorder.counters.committed == 61
    assert house.files() == []


def test_a_spool_that_cannot_be_written_sheds_but_loses_nothing_while_the_process_lives(
    house: House,
) -> None:
    full = [True]

    def fault(point: str) -> None:
        if point == "frame written" and full[0]:
            raise OSError(28, "No space left on device")

    recorder = CallRecorder(
        house.store,  # type: ignore[arg-type]
        house.folder,
        KeepAll(),
        monotonic=house.clock.monotonic,
        fault=fault,
    )
    house.recorders.append(recorder)
    submit(recorder, 1)
    with pytest.raises(Overloaded) as caught:
        recorder.reserve()
    assert "is its disk full?" in caught.value.hint
    house.settle(recorder, 0.1)
    assert stored(house) == ["call-1"]
    assert recorder.counters.unspooled == 1
    full[0] = False
    house.clock.advance(1.0)  # no restart: it is tried again
    submit(recorder, 2)
    house.settle(recorder, 0.1)
    assert stored(house) == ["call-1", "call-2"]


# --- what is submitted is odd


def test_content_that_cannot_be_encoded_is_dropped_and_the_record_says_so(house: House) -> None:
    recorder = house.open()
    recorder.submit(record(1), Content(asked=ChatRequest("m", (Message("user", (Text("\ud800"),)),))))
    recorder.submit(record(2, decisions=(Decision("input", "odd", {"x": object()}),)), content())
    house.settle(recorder, 0.1)
    for number in (1, 2):
        kept, said = house.store.calls[f"call-{number}"]
        assert said is None
        assert [each.what for each in kept.decisions] == ["content_dropped"]
        assert kept.cost_nano == 5_600  # money is never lost with it
    assert recorder.counters.dropped == 0


def test_a_redactor_that_fails_means_that_nothing_of_what_was_said_is_kept(house: House) -> None:
    class Broken:
        def redact(self, content: Content) -> Content:
            raise RuntimeError("bug")

    recorder = CallRecorder(house.store, house.folder, Broken(), monotonic=house.clock.monotonic)  # type: ignore[arg-type]
    house.recorders.append(recorder)
    recorder.submit(record(1), content("my secret"))
    assert all(b"secret" not in file.read_bytes() for file in house.files())
    house.settle(recorder, 0.1)
    assert house.store.calls["call-1"][1] is None


def test_what_is_redacted_does_not_even_reach_the_spool(house: House) -> None:
    recorder = CallRecorder(
        house.store,  # type: ignore[arg-type]
        house.folder,
        PatternRedactor(),
        monotonic=house.clock.monotonic,
    )
    house.recorders.append(recorder)
    recorder.submit(record(1), content("write to ada@example.org"))
    assert all(b"ada@" not in file.read_bytes() for file in house.files())
    house.settle(recorder, 0.1)
    assert house.store.calls["call-1"][1] == content("write to [EMAIL]")


def test_submit_never_raises(house: House, caplog: pytest.LogCaptureFixture) -> None:
    def fault(point: str) -> None:
        if point == "record encoded":
            raise RuntimeError("bug")

    recorder = CallRecorder(
        house.store,  # type: ignore[arg-type]
        house.folder,
        KeepAll(),
        monotonic=house.clock.monotonic,
        fault=fault,
    )
    house.recorders.append(recorder)
    with caplog.at_level(logging.ERROR, "seawall.recorder"):
        submit(recorder, *range(20))
        house.clock.advance(61.0)
        submit(recorder, 20)
    assert recorder.counters.dropped == 21
    assert [each.getMessage() for each in caplog.records] == [
        "a record is lost (RuntimeError): bug",
        "a record is lost (RuntimeError): bug (and 19 times before)",
    ]


# --- processes come and go


def test_what_a_dead_process_left_is_brought_into_the_store_by_the_next(house: House) -> None:
    first = house.open()
    submit(first, 1, 2)
    first._spool.close()  # as its death would
    second = house.open()
    submit(second, 3)
    house.settle(second, 3.0)
    assert sorted(stored(house)) == ["call-1", "call-2", "call-3"]
    assert house.files() == []
    assert second.counters.committed == 3


def test_a_living_process_keeps_what_is_its(house: House) -> None:
    first, second = house.open(), house.open()
    submit(first, 1)
    house.settle(second, 40.0)
    assert stored(house) == []
    house.settle(first, 1.0)
    assert stored(house) == ["call-1"]


def test_one_that_dies_later_is_noticed_while_the_other_runs(house: House) -> None:
    first, second = house.open(), house.open()
    submit(first, 1)
    house.settle(second, 1.0)
    first._spool.close()
    house.settle(second, 35.0)
    assert stored(house) == ["call-1"]


def test_broken_and_torn_frames_are_counted_and_cost_no_other_record(house: House) -> None:
    first = house.open()
    submit(first, 1, 2, 3)
    first._spool.close()
    (file,) = house.files()
    raw = bytearray(file.read_bytes())
    frames = len(raw) // 3
    raw[frames + 40] ^= 1
    file.write_bytes(raw + raw[: frames - 1])
    second = house.open()
    house.settle(second, 3.0)
    assert stored(house) == ["call-1", "call-3"]
    assert (second.counters.bad_frames, second.counters.torn_frames) == (1, 1)
    (bad,) = house.files("*.bad")
    assert bad.read_bytes() == bytes(raw[frames : 2 * frames])
    assert house.files() == []


def test_a_frame_of_a_version_that_cannot_be_read_is_set_aside(house: House) -> None:
    first = house.open()
    submit(first, 1)
    first._spool.append(b"\x93not ours", memory_left=True)
    first._spool.close()
    second = house.open()
    house.settle(second, 3.0)
    assert stored(house) == ["call-1"]
    assert second.counters.bad_frames == 1


# --- the thread


def test_with_its_thread_flush_and_close_wait_for_what_was_submitted(house: House) -> None:
    recorder = CallRecorder(house.store, house.folder, KeepAll())  # type: ignore[arg-type]
    recorder.start()
    submit(recorder, *range(10))
    assert recorder.flush(10.0)
    assert len(stored(house)) == 10
    submit(recorder, *range(10, 20))
    assert recorder.counters.writing
    assert recorder.close(10.0)
    assert len(stored(house)) == 20
    assert not recorder.counters.writing
    assert list(house.folder.iterdir()) == []
    with pytest.raises(Overloaded):
        recorder.reserve()


def test_what_could_not_be_written_before_closing_waits_for_the_next_process(house: House) -> None:
    recorder = CallRecorder(house.store, house.folder, KeepAll())  # type: ignore[arg-type]
    house.store.failing = lambda _: StoreError("away")
    recorder.start()
    submit(recorder, 1)
    assert not recorder.close(0.05)
    assert len(house.files()) == 1
    house.store.failing = lambda _: None
    heir = house.open()
    house.settle(heir, 1.0)
    assert stored(house) == ["call-1"]


def test_what_can_wait_is_done_only_when_there_is_nothing_to_write(house: House) -> None:
    done: list[int] = []

    def index() -> int:
        done.append(len(stored(house)))
        return 1 if len(done) < 3 else 0

    recorder = CallRecorder(
        house.store,  # type: ignore[arg-type]
        house.folder,
        KeepAll(),
        when_idle=index,
        monotonic=house.clock.monotonic,
    )
    house.recorders.append(recorder)
    submit(recorder, 1)
    house.settle(recorder, 0.9)
    assert done == []
    house.settle(recorder, 0.4)
    assert done[:3] == [1, 1, 1]


def test_an_index_that_fails_keeps_no_record_from_the_store(house: House) -> None:
    def index() -> int:
        raise StoreError("disk full")

    recorder = CallRecorder(
        house.store,  # type: ignore[arg-type]
        house.folder,
        KeepAll(),
        when_idle=index,
        monotonic=house.clock.monotonic,
    )
    house.recorders.append(recorder)
    house.settle(recorder, 2.0)
    submit(recorder, 1)
    house.settle(recorder, 0.1)
    assert stored(house) == ["call-1"]
