"""The recorder: reserve, submit, flush, and what becomes of a record when something else fails."""

import logging
import threading

import pytest

from seawall.core.errors import Overloaded, StoreError
from seawall.core.messages import Message, Text
from seawall.core.record import Content, Decision
from seawall.core.request import ChatRequest
from seawall.layers.monitoring.recorder import CallRecorder

from tests.support.recorded import content, record
from tests.support.recording import House, house, stored, submit

__all__ = ["house"]


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

    recorder = house.open(fault=fault)
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


def test_submit_never_raises(house: House, caplog: pytest.LogCaptureFixture) -> None:
    def fault(point: str) -> None:
        if point == "record encoded":
            raise RuntimeError("bug")

    recorder = house.open(fault=fault)
    with caplog.at_level(logging.ERROR, "seawall.recorder"):
        submit(recorder, *range(20))
        house.clock.advance(61.0)
        submit(recorder, 20)
    assert recorder.counters.dropped == 21
    assert [each.getMessage() for each in caplog.records] == [
        "a record is lost (RuntimeError): bug",
        "a record is lost (RuntimeError): bug (and 19 times before)",
    ]


# --- the thread


def test_with_its_thread_flush_and_close_wait_for_what_was_submitted(house: House) -> None:
    recorder = CallRecorder(house.store, house.folder)  # type: ignore[arg-type]
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
    recorder = CallRecorder(house.store, house.folder)  # type: ignore[arg-type]
    house.store.failing = lambda _: StoreError("away")
    recorder.start()
    submit(recorder, 1)
    assert not recorder.close(0.05)
    assert len(house.files()) == 1
    house.store.failing = lambda _: None
    heir = house.open()
    house.settle(heir, 1.0)
    assert stored(house) == ["call-1"]
