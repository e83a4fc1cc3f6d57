"""The recorder: a place is reserved before a call begins, and its record is safe once `submit` returns.

Safe means: written to the spool, so that it survives the death of this process at any moment after. From
there a thread brings it into the store. The thread that serves calls never waits for the store, nor for
the disk beyond the one `write`.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from seawall.core.errors import Overloaded
from seawall.core.ports import Store
from seawall.core.record import Content, Decision, Record
from seawall.layers.monitoring.spool import Fault, Segment, Spool, no_fault
from seawall.layers.monitoring.writer import Waiting, Writer

_FULL_FOR = 1.0
"""Seconds for which no call is begun after the spool could not be written; then it is tried again."""

_encode = msgspec.msgpack.Encoder().encode


class RecorderSettings(Struct, frozen=True, kw_only=True):
    """How much may be waiting, and what happens when more is."""

    when_full: Literal["shed", "drop"] = "shed"
    """`shed`: a call that cannot be recorded is not begun. `drop`: calls go on, lost records are counted."""
    durability: Literal["process", "power"] = "process"
    """What a record survives once `submit` has returned: the death of the process. With `power` the spool is
    also flushed to the disk before each batch, and the loss of power takes the last `every` seconds only."""
    most_calls: int = 200_000
    """Calls under way and records waiting, together."""
    most_bytes: int = 1 << 30
    """Bytes of records waiting on disk."""
    memory_bytes: int = 32 << 20
    """Encoded bytes of records waiting in memory; those beyond wait on disk only."""
    segment_bytes: int = 16 << 20
    batch: int = 500
    """Most calls of one transaction."""
    every: float = 0.05
    """Seconds between transactions while there is less than a batch."""


class Counters(Struct, frozen=True):
    """How the recorder is doing."""

    submitted: int
    committed: int
    """Calls brought into the store, those left by dead processes as well."""
    dropped: int
    """Calls whose record is lost."""
    unspooled: int
    """Calls that were in memory only, because the spool could not be written."""
    rejected: int
    """Calls the store will never take; they are in a `.bad` file."""
    bad_frames: int
    """Broken frames found in segments of dead processes; they are in `.bad` files."""
    torn_frames: int
    """Frames cut short by the death of their process; their `submit` never returned."""
    reserved: int
    spooled_bytes: int
    oldest_age: float
    """Seconds for which the oldest record has been waiting; 0 when none is."""
    writing: bool
    """Whether the thread that writes is alive."""


class CallRecorder:
    """Implements `seawall.core.ports.Recorder` on a store and a folder for the spool.

    Several processes may share both. *when_idle* is called from the writer's thread when there is nothing
    to write, and says how much it did; *fault* is for tests, which break the path at the points it names.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        settings: RecorderSettings | None = None,
        *,
        when_idle: Callable[[], int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        fault: Fault = no_fault,
    ) -> None:
        self._settings = settings = settings or RecorderSettings()
        self._monotonic = monotonic
        self._fault = fault
        self._spool = Spool(folder, segment_bytes=settings.segment_bytes, monotonic=monotonic, fault=fault)
        self._writer = Writer(
            store,
            self._spool,
            batch=settings.batch,
            every=settings.every,
            memory_bytes=settings.memory_bytes,
            power_safe=settings.durability == "power",
            when_idle=when_idle,
            monotonic=monotonic,
            fault=fault,
        )
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._reserved = 0
        self._submitted = self._dropped = self._unspooled = 0
        self._full_until = 0.0
        self._closed = False

    def start(self) -> None:
        """Begin to write, first what dead processes left behind. Until then records wait."""
        self._thread = threading.Thread(target=self._writer.run, name="seawall-recorder", daemon=True)
        self._thread.start()

    def step(self) -> float:
        """What the thread does, once, for whoever owns time: seconds until there may be more to do."""
        return self._writer.step()

    def reserve(self) -> None:
        """Take a place for one record, or raise `Overloaded`."""
        if self._settings.when_full == "shed":
            reason = self._full()
            if reason:
                raise Overloaded("calls cannot be recorded at the moment", hint=reason)
        with self._lock:
            self._reserved += 1

    def _full(self) -> str:
        settings = self._settings
        if self._closed:
            return "the recorder is closed"
        if self._reserved + self._waiting >= settings.most_calls:
            return (
                f"{self._reserved} calls under way and {self._waiting} records waiting: the store is too slow"
            )
        if self._spool.bytes >= settings.most_bytes:
            return f"{self._spool.bytes} bytes of records are waiting for the store"
        if self._full_until and self._monotonic() < self._full_until:
            return "the spool cannot be written: is its disk full?"
        return ""

    @property
    def _waiting(self) -> int:
        return self._spool.appended + self._writer.inherited - self._writer.settled

    def submit(self, record: Record, content: Content) -> None:
        """Hand over a finished call. Synchronous and quick; never raises; gives the place back."""
        with self._lock:
            self._submitted += 1
            self._reserved = max(0, self._reserved - 1)
        try:
            self._keep(record, content)
        except Exception as error:  # noqa: BLE001  # the call it is about has succeeded: it must not fail now
            self._drop(f"a record is lost ({type(error).__name__})", error)

    def _keep(self, record: Record, content: Content) -> None:
        self._fault("submit begun")
        settings = self._settings
        if self._closed or (settings.when_full == "drop" and self._full()):
            self._drop("records are dropped", Overloaded(self._full()))
            return
        payload, record, kept = self._encoded(record, content)
        self._fault("record encoded")
        memory_left = self._writer.queued_bytes < settings.memory_bytes

        def keep(segment: Segment | None) -> None:
            self._writer.hand_over(Waiting(record, kept, segment, len(payload), self._monotonic()))

        try:
            self._spool.append(payload, memory_left=memory_left, keep=keep)
        except OSError as error:
            self._unspooled += 1
            self._full_until = self._monotonic() + _FULL_FOR
            self._writer.complaints.add("the spool cannot be written", error)
            if memory_left:
                keep(None)
            else:
                self._drop("a record is lost, for the spool and the memory are full", error)
            return
        self._writer.notice()
        self._fault("submit done")

    def _encoded(self, record: Record, content: Content) -> tuple[bytes, Record, Content | None]:
        """The frame of a call: of as much of it as can be encoded."""
        try:
            return _encode((record, content)), record, content
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self._writer.complaints.add("the content of a call is not kept", error)
            lost = Decision("monitoring", "content_dropped", {"reason": type(error).__name__})
        try:
            bare = msgspec.structs.replace(record, decisions=(*record.decisions, lost))
            return _encode((bare, None)), bare, None
        except (TypeError, ValueError, OverflowError, RecursionError):
            # What layers and providers put in freely is what can be wrong; the figures cannot.
            bare = msgspec.structs.replace(
                record, decisions=(lost,), verdicts=(), attempts=(), error_message="", stages={}
            )
            return _encode((bare, None)), bare, None

    def _drop(self, kind: str, error: BaseException) -> None:
        self._dropped += 1
        self._writer.complaints.add(kind, error)

    def flush(self, timeout: float) -> bool:
        """Wait at most *timeout* seconds until all that was submitted is in the store; whether it is."""
        return self._writer.settle(timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Write what can be written in *timeout* seconds; whether that was all. The rest is in the spool."""
        thread = self._thread
        done = thread is not None and thread.is_alive() and self.flush(timeout)
        self._closed = True
        self._writer.stop()
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():  # stuck in the store: its files stay locked until the process is over
                return False
        self._spool.close()
        return done

    @property
    def counters(self) -> Counters:
        """How it is going; from any thread."""
        writer = self._writer
        oldest = writer.oldest
        return Counters(
            submitted=self._submitted,
            committed=writer.committed,
            dropped=self._dropped,
            unspooled=self._unspooled,
            rejected=writer.rejected,
            bad_frames=writer.bad_frames,
            torn_frames=writer.torn_frames,
            reserved=self._reserved,
            spooled_bytes=self._spool.bytes,
            oldest_age=0.0 if oldest is None else max(0.0, self._monotonic() - oldest),
            writing=self._thread is not None and self._thread.is_alive(),
        )
