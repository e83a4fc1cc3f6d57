"""The spool: what is written is found again, whatever has happened to the files."""

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.layers.monitoring.spool import MAGIC, Segment, Spool, frame, scan

PAYLOADS = st.lists(st.binary(max_size=60), max_size=8)


def spool_in(folder: Path, segment_bytes: int = 1 << 20) -> Spool:
    return Spool(folder, segment_bytes=segment_bytes, monotonic=lambda: 1.0)


def append(spool: Spool, payload: bytes) -> Segment:
    kept: list[Segment] = []
    spool.append(payload, memory_left=True, keep=kept.append)
    return kept[0]


# --- frames


@given(PAYLOADS)
def test_frames_are_read_as_they_were_written(payloads: list[bytes]) -> None:
    found = scan(b"".join(map(frame, payloads)))
    assert (found.payloads, found.bad, found.torn) == (payloads, [], 0)


@given(PAYLOADS.filter(bool), st.data())
def test_a_cut_anywhere_costs_the_frame_it_goes_through_and_no_other(
    payloads: list[bytes], data: st.DataObject
) -> None:
    frames = [frame(payload) for payload in payloads]
    content = b"".join(frames)
    cut = data.draw(st.integers(0, len(content)))
    whole, end = 0, 0
    while whole < len(frames) and end + len(frames[whole]) <= cut:
        end += len(frames[whole])
        whole += 1
    found = scan(content[:cut])
    assert found.payloads == payloads[:whole]
    assert found.torn == cut - end
    assert found.bad == []


@given(PAYLOADS.filter(bool), st.data())
def test_a_broken_byte_costs_at_most_its_frame_and_every_byte_is_accounted_for(
    payloads: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(b"".join(map(frame, payloads)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    found = scan(bytes(content))
    lost = list(payloads)
    for payload in found.payloads:
        lost.remove(payload)
    assert len(lost) == 1
    kept = sum(len(frame(payload)) for payload in found.payloads)
    assert kept + sum(map(len, found.bad)) + found.torn == len(content)


@given(st.binary(max_size=200), PAYLOADS)
def test_rubbish_in_front_hides_nothing(rubbish: bytes, payloads: list[bytes]) -> None:
    found = scan(rubbish.replace(MAGIC, b"") + b"".join(map(frame, payloads)))
    assert found.payloads == payloads


# --- files


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    spool = spool_in(tmp_path / "spool")
    segment = append(spool, b"x")
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    spool.close()


def test_a_full_segment_is_followed_by_another_which_was_ready(tmp_path: Path) -> None:
    spool = spool_in(tmp_path, segment_bytes=100)
    spool.prepare()
    first = append(spool, b"x" * 100)
    spool.prepare()
    ready = set(tmp_path.iterdir())
    second = append(spool, b"y")
    assert first is not second
    assert set(tmp_path.iterdir()) == ready  # no file had to be made for it
    assert not spool.is_current(first)
    assert spool.bytes == first.bytes + second.bytes == sum(path.stat().st_size for path in ready)
    spool.close()


def test_what_a_living_process_writes_is_not_adopted_and_what_a_dead_one_left_is(tmp_path: Path) -> None:
    spool, other = spool_in(tmp_path), spool_in(tmp_path)
    append(spool, b"mine")
    assert other.adopt() == []
    spool.close()  # as its death would
    (adopted,) = other.adopt()
    assert other.read(adopted).payloads == [b"mine"]
    assert spool_in(tmp_path).adopt() == []  # one heir only
    other.delete(adopted)
    assert list(tmp_path.iterdir()) == []
    assert other.bytes == 0


def test_a_spare_segment_leaves_no_trace(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.prepare()
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_segment_is_gone_and_the_next_frame_goes_elsewhere(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    first = append(spool, b"a")
    spool.delete(first)
    second = append(spool, b"b")
    assert not first.path.exists()
    assert second.path.exists()
    spool.close()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond *size*: the way a full disk looks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_frame_the_disk_takes_only_a_part_of_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    segment = append(spool, b"before")
    with largest_file(50), pytest.raises(OSError, match="only 32 of 112 bytes could be written"):
        append(spool, b"x" * 100)
    assert append(spool, b"after") is segment  # there is room again
    assert os.fstat(segment.descriptor).st_size == segment.bytes == spool.bytes
    assert spool.read(segment).payloads == [b"before", b"after"]
    assert segment.frames == 2
    spool.close()


def test_after_the_first_frame_that_is_on_disk_only_all_of_its_segment_are(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    kept: list[Segment] = []
    for left in (True, False, True):
        spool.append(b"x", memory_left=left, keep=kept.append)
    assert len(kept) == 1
    spool.rest()
    spool.append(b"x", memory_left=True, keep=kept.append)
    assert len(kept) == 2
    spool.close()


def test_what_is_set_aside_is_added_to_what_was(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    spool.set_aside("odd", b"one ")
    spool.set_aside("odd", b"two")
    assert (tmp_path / "odd.bad").read_bytes() == b"one two"
    assert spool.adopt() == []
