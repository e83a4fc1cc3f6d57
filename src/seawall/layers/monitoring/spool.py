"""The spool: finished calls on disk before anything slow happens to them.

A segment is an append-only file of frames. Its process holds an exclusive lock on it for as long as it
lives, so that a segment without a lock has outlived its process and is adopted by the next one. Nothing
that is written has to be flushed for that: what `write` took survives the death of the process, though not
a loss of power.
"""

import contextlib
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

MAGIC = b"\xf5SWR"
"""Where a frame begins; 0xF5 never occurs in UTF-8."""

_HEADER = struct.Struct("<4sII")
_MODE = 0o600

Fault = Callable[[str], None]
"""Called with the name of each step, so that a test can break it there."""


def no_fault(_: str) -> None:
    """What production uses: nothing happens."""


def frame(payload: bytes) -> bytes:
    """*payload* with its length and checksum in front."""
    size = len(payload)
    return _HEADER.pack(MAGIC, size, zlib.crc32(payload, size)) + payload


class Scan(Struct):
    """What a segment turned out to hold."""

    payloads: list[bytes]
    bad: list[bytes]
    """Stretches between good frames that are none."""
    torn: int = 0
    """Bytes of a last frame that was cut short: its writer died before it could say that it was done."""


def scan(content: bytes) -> Scan:
    """Every whole frame in *content*, whatever has happened to the rest."""
    found = Scan([], [])
    at, end = 0, len(content)
    while at < end:
        payload = _payload(content, at)
        if payload is not None:
            found.payloads.append(payload)
            at += _HEADER.size + len(payload)
            continue
        following = content.find(MAGIC, at + 1)
        if following < 0 and _cut_short(content, at):
            found.torn = end - at
            break
        following = end if following < 0 else following
        found.bad.append(content[at:following])
        at = following
    return found


def _payload(content: bytes, at: int) -> bytes | None:
    if at + _HEADER.size > len(content):
        return None
    magic, size, checksum = _HEADER.unpack_from(content, at)
    start = at + _HEADER.size
    if magic != MAGIC or start + size > len(content):
        return None
    payload = content[start : start + size]
    return payload if zlib.crc32(payload, size) == checksum else None


def _cut_short(content: bytes, at: int) -> bool:
    head = content[at : at + _HEADER.size]
    if len(head) < _HEADER.size:
        return MAGIC.startswith(head[: len(MAGIC)])
    magic, size, _ = _HEADER.unpack(head)
    return bool(magic == MAGIC and at + _HEADER.size + size > len(content))


class Segment:
    """One file of the spool, locked by us."""

    __slots__ = ("bytes", "descriptor", "frames", "handed", "opened", "path", "settled", "spilled")

    def __init__(self, path: Path, descriptor: int, size: int, opened: float) -> None:
        self.path = path
        self.descriptor = descriptor
        self.bytes = size
        self.frames = 0
        self.handed = 0
        """Frames whose calls are, or were, in memory as well; always the first ones."""
        self.settled = 0
        """Frames whose calls are in the store."""
        self.spilled = False
        """Whether frames after a certain one are nowhere but here: memory was full."""
        self.opened = opened
        """Monotonic seconds."""

    @property
    def is_waiting(self) -> bool:
        """Whether all that is not in the store is on disk only, to be read back."""
        return self.spilled and self.settled == self.handed

    @property
    def is_settled(self) -> bool:
        """Whether every call in it is in the store."""
        return self.settled == self.frames and not self.spilled


class Spool:
    """The segments in one folder. `append` may be called from any thread, everything else from one."""

    def __init__(
        self, folder: Path, *, segment_bytes: int, monotonic: Callable[[], float], fault: Fault = no_fault
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._monotonic = monotonic
        self._fault = fault
        self._lock = threading.Lock()
        self._made = 0
        self._current: Segment | None = None
        self._spare: Segment | None = None
        self.segments: list[Segment] = []
        """Those that are not yet deleted, without the spare one, oldest first."""
        self.bytes = 0
        """In all of `segments`."""
        self.appended = 0
        """Frames written since the beginning."""

    def append(
        self, payload: bytes, *, memory_left: bool, keep: Callable[[Segment], None] = lambda _: None
    ) -> None:
        """Write one frame, then call *keep* with the segment, to have its call kept in memory as well.

        It is not called when there is no *memory_left*, nor after that in the same segment, so that what is
        on disk only is always the end of a segment. Raises `OSError`, and has then written nothing.
        """
        data = frame(payload)
        with self._lock:
            segment = self._current
            if segment is None or segment.bytes >= self._segment_bytes:
                segment = self._rotate()
            written = os.write(segment.descriptor, data)
            self._fault("frame written")
            if written != len(data):
                os.ftruncate(segment.descriptor, segment.bytes)
                raise OSError(
                    f"only {written} of {len(data)} bytes could be written to {segment.path.name!r}"
                )
            segment.bytes += written
            segment.frames += 1
            segment.spilled = segment.spilled or not memory_left
            self.bytes += written
            self.appended += 1
            if not segment.spilled:
                segment.handed += 1
                keep(segment)

    def _rotate(self) -> Segment:
        # The writer's thread keeps a spare one ready: opening a file is not for the thread that serves.
        segment = self._spare or self._open()
        self._spare = None
        self._current = segment
        self.segments.append(segment)
        self._fault("segment begun")
        return segment

    def prepare(self) -> None:
        """Have a spare segment ready. Raises `OSError`."""
        if self._spare is None:
            segment = self._open()
            with self._lock:
                self._spare = segment

    def _open(self) -> Segment:
        while True:
            self._made += 1
            path = self._folder / f"{os.getpid()}-{os.urandom(4).hex()}-{self._made}.seg"
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            segment = Segment(path, os.open(path, flags, _MODE), 0, self._monotonic())
            # Somebody who adopts may have found the file before we could lock it; then it is gone.
            if _take(segment):
                return segment
            os.close(segment.descriptor)

    def rest(self) -> None:
        """Begin no more frames in the current segment; the next one goes into another."""
        with self._lock:
            self._current = None

    def is_current(self, segment: Segment) -> bool:
        """Whether frames may still be added to *segment*."""
        return segment is self._current

    def adopt(self) -> list[Segment]:
        """Take over the segments whose processes are dead. Raises `OSError`."""
        adopted = []
        for path in sorted(self._folder.glob("*.seg")):
            segment = self._adopted(path)
            if segment is not None:
                adopted.append(segment)
        with self._lock:
            self.segments[:0] = adopted
            self.bytes += sum(segment.bytes for segment in adopted)
        self._fault("segments adopted")
        return adopted

    def _adopted(self, path: Path) -> Segment | None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        segment = Segment(path, descriptor, os.fstat(descriptor).st_size, self._monotonic())
        if not _take(segment):
            os.close(descriptor)
            return None
        segment.spilled = True
        return segment

    def read(self, segment: Segment) -> Scan:
        """What *segment* holds. Raises `OSError`."""
        content = b"".join(_pieces(segment.descriptor))
        self._fault("segment read")
        return scan(content)

    def set_aside(self, name: str, bad: bytes) -> None:
        """Keep what cannot be stored for somebody to look at, in `<name>.bad`. Raises `OSError`."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._folder / f"{name}.bad", flags, _MODE)
        try:
            while bad:
                bad = bad[os.write(descriptor, bad) :]
        finally:
            os.close(descriptor)

    def flush(self, segment: Segment) -> None:
        """Wait until *segment* would survive a loss of power. Raises `OSError`."""
        os.fdatasync(segment.descriptor)

    def delete(self, segment: Segment) -> None:
        """Everything in *segment* is in the store."""
        self._fault("segment to be deleted")
        with self._lock:
            if segment is self._current:
                self._current = None
            self.segments.remove(segment)
            self.bytes -= segment.bytes
        with contextlib.suppress(FileNotFoundError):
            segment.path.unlink()
        os.close(segment.descriptor)
        self._fault("segment deleted")

    def close(self) -> None:
        """Let go of everything; what is not in the store stays on disk for the next process."""
        with self._lock:
            ours, self.segments = self.segments, []
            spare, self._spare, self._current = self._spare, None, None
        for segment in (*ours, *([spare] if spare else [])):
            if segment.is_settled:
                segment.path.unlink(missing_ok=True)
            os.close(segment.descriptor)


def _take(segment: Segment) -> bool:
    """Lock the file, if its owner is dead and it still exists."""
    try:
        fcntl.flock(segment.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(segment.descriptor).st_nlink > 0


def _pieces(descriptor: int) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(descriptor, 1 << 24, at):
        at += len(piece)
        yield piece
