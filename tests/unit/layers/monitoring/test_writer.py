"""The writer: batches, back-off, what others left behind, and what is done meanwhile."""

import logging
from collections.abc import Sequence

import pytest

from seawall.core.errors import StoreError
from seawall.core.record import Content, Record

from tests.support.recording import House, house, stored, submit

__all__ = ["house"]


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


# --- when there is nothing to write


def test_what_can_wait_is_done_only_when_there_is_nothing_to_write(house: House) -> None:
    done: list[int] = []

    def index() -> int:
        done.append(len(stored(house)))
        return 1 if len(done) < 3 else 0

    recorder = house.open(when_idle=index)
    submit(recorder, 1)
    house.settle(recorder, 0.9)
    assert done == []
    house.settle(recorder, 0.4)
    assert done[:3] == [1, 1, 1]


def test_an_index_that_fails_keeps_no_record_from_the_store(house: House) -> None:
    def index() -> int:
        raise StoreError("disk full")

    recorder = house.open(when_idle=index)
    house.settle(recorder, 2.0)
    submit(recorder, 1)
    house.settle(recorder, 0.1)
    assert stored(house) == ["call-1"]
