"""The writer: takes finished calls from memory or from the spool and brings them into the store in batches.

`step` does what is due and says when to come back; the thread around it only waits. Thus tests drive it
without a thread and without time.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from seawall.core.errors import StoreError
from seawall.core.ports import Store
from seawall.core.record import Content, Record
from seawall.layers.monitoring.spool import Fault, Segment, Spool

_RETRY_FIRST, _RETRY_LONGEST = 0.1, 5.0
_REST_AFTER = 1.0
_INDEX_SHARE = 0.05  # of a core at most, for what can wait
"""Seconds without a call after which the current segment is given up, so that nothing stays on disk twice."""
_ADOPT_EVERY = 30.0
_COMPLAIN_EVERY = 60.0

_log = logging.getLogger("seawall.recorder")
_decode = msgspec.msgpack.Decoder(tuple[Record, Content | None]).decode


class Waiting(Struct, frozen=True, gc=False):
    """A finished call on its way to the store."""

    record: Record
    content: Content | None
    segment: Segment | None
    """`None` when it could not be spooled: then it is in memory only."""
    size: int
    """Bytes, as encoded."""
    since: float
    """Monotonic seconds."""


class Complaints:
    """Says what is wrong at most once a minute for each kind, and how often it happened meanwhile."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kinds: dict[str, tuple[float, int]] = {}

    def add(self, kind: str, error: BaseException) -> None:
        """Something of this *kind* failed."""
        now = self._monotonic()
        due, silent = self._kinds.get(kind, (now, 0))
        if now < due:
            self._kinds[kind] = (due, silent + 1)
            return
        self._kinds[kind] = (now + _COMPLAIN_EVERY, 0)
        _log.error("%s: %s%s", kind, error, f" (and {silent} times before)" if silent else "")


class Writer:
    """Owns the queue. `hand_over` is for any thread; `step` for one, which is the writer's."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        *,
        batch: int,
        every: float,
        memory_bytes: int,
        power_safe: bool,
        when_idle: Callable[[], int] | None,
        monotonic: Callable[[], float],
        fault: Fault,
    ) -> None:
        self._store = store
        self._spool = spool
        self._batch = batch
        self._every = every
        self._memory_bytes = memory_bytes
        self._power_safe = power_safe
        self._when_idle = when_idle
        self._monotonic = monotonic
        self._fault = fault
        self.complaints = Complaints(monotonic)
        self._queue: deque[Waiting] = deque()
        self._taken: list[Waiting] = []
        self._wake = threading.Event()
        self._asleep = False
        self._stopping = False
        self._retry_at = self._adopt_at = self._index_at = self._busy_at = monotonic()
        self._index_more = False
        self._adopted = False
        self._retry_after = 0.0
        self._settling = threading.Condition()
        self._counting = threading.Lock()
        self.queued_bytes = 0
        """Of the calls in memory, as encoded."""
        self.committed = self.rejected = self.bad_frames = self.torn_frames = 0
        self.inherited = self.settled = 0
        """Frames found in segments of dead processes; frames done with, theirs and ours."""

    @property
    def oldest(self) -> float | None:
        """Since when, on the monotonic clock, the oldest call has been waiting; from any thread."""
        waiting = [item.since for item in tuple(self._taken)[:1]]
        with contextlib.suppress(IndexError):
            waiting.append(self._queue[0].since)
        waiting += [segment.opened for segment in tuple(self._spool.segments) if segment.spilled]
        return min(waiting, default=None)

    def hand_over(self, item: Waiting) -> None:
        """Add a call to the queue."""
        with self._counting:
            self.queued_bytes += item.size
        self._queue.append(item)
        self.notice()

    def notice(self) -> None:
        """There is something to do. Costs next to nothing while the writer is busy anyway."""
        if self._asleep:
            self._asleep = False
            self._wake.set()

    def run(self) -> None:
        """The thread: steps until `stop`."""
        while not self._stopping:
            pause = self.step()
            if pause <= 0.0:
                continue
            if pause > self._every and not self._hurt:
                self._sleep(pause)
                pause = self._every  # let a batch gather
            self._wake.wait(pause)
            self._wake.clear()

    def _sleep(self, pause: float) -> None:
        self._asleep = True
        if not self._queue:  # looked at after the flag is up, or a call could come unnoticed
            self._wake.wait(pause)
            self._wake.clear()
        self._asleep = False

    def stop(self) -> None:
        """Make `run` return soon."""
        self._stopping = True
        self._wake.set()

    def settle(self, timeout: float) -> bool:
        """Wait until everything handed over before is in the store; whether it is."""
        with self._settling:
            target = self._monotonic() + timeout
            while not self._settled:
                self._wake.set()
                left = target - self._monotonic()
                if left <= 0.0:
                    return False
                self._settling.wait(min(left, self._every))
            return True

    @property
    def _settled(self) -> bool:
        if not self._adopted or self._queue or self._taken:
            return False
        return all(segment.is_settled for segment in tuple(self._spool.segments))

    @property
    def _hurt(self) -> bool:
        return self._retry_after > 0.0

    def step(self) -> float:
        """Do what is due; returns the seconds after which there may be more to do."""
        now = self._monotonic()
        if now < self._retry_at:
            return self._retry_at - now
        try:
            pause = self._advance(now)
        except (StoreError, OSError) as error:
            self._retry_after = min(max(self._retry_after * 2, _RETRY_FIRST), _RETRY_LONGEST)
            self._retry_at = now + self._retry_after
            self.complaints.add("records cannot be brought into the store", error)
            return self._retry_after
        self._retry_after = 0.0
        return pause

    def _advance(self, now: float) -> float:
        self._tend(now)
        self._recall()
        if not self._taken:
            self._take()
        if not self._taken:
            return self._idle(now)
        self._busy_at = now
        self._commit_taken()
        return 0.0 if len(self._queue) >= self._batch or self._stopping else self._every

    def _tend(self, now: float) -> None:
        """Look after the spool's files; a failure there is no reason to keep calls from the store."""
        try:
            if now >= self._adopt_at:
                self._adopt_at = now + _ADOPT_EVERY
                self._spool.adopt()
                self._adopted = True
            self._spool.prepare()
        except OSError as error:
            self.complaints.add("the spool's folder cannot be used", error)

    def _take(self) -> None:
        queue = self._queue
        for _ in range(min(len(queue), self._batch)):
            self._taken.append(queue.popleft())
        self._fault("batch taken")

    def _commit_taken(self) -> None:
        taken = self._taken
        if self._power_safe:
            for segment in {item.segment for item in taken if item.segment is not None}:
                self._spool.flush(segment)
        refused = self._commit(taken)
        self.rejected += refused
        self.committed += len(taken) - refused
        self._fault("batch committed")
        self._taken = []
        with self._counting:
            self.queued_bytes -= sum(item.size for item in taken)
        for item in taken:
            if item.segment is not None:
                item.segment.settled += 1
                self.settled += 1
        self._delete_settled({item.segment for item in taken if item.segment is not None})
        with self._settling:
            self._settling.notify_all()

    def _commit(self, items: Sequence[Waiting]) -> int:
        """Bring *items* into the store; how many it will never take, which are set aside."""
        try:
            self._store.add_calls([(item.record, item.content) for item in items])
        except StoreError as error:
            if error.retryable:
                raise
            if len(items) > 1:
                half = len(items) // 2
                return self._commit(items[:half]) + self._commit(items[half:])
            self._set_aside(items[0], error)
            return 1
        return 0

    def _set_aside(self, item: Waiting, error: StoreError) -> None:
        self.complaints.add("the store refuses calls, which are set aside", error)
        self._spool.set_aside("rejected", repr((item.record, item.content)).encode(errors="replace") + b"\n")

    def _delete_settled(self, segments: set[Segment]) -> None:
        for segment in segments:
            if segment.is_settled and not self._spool.is_current(segment):
                self._spool.delete(segment)

    def _recall(self) -> None:
        """Read one segment back whose calls are on disk only, if there is room for it in memory."""
        if self.queued_bytes * 2 > self._memory_bytes:
            return
        for segment in tuple(self._spool.segments):
            if segment.is_waiting:
                if self._spool.is_current(segment):
                    self._spool.rest()  # from here on it gets no more frames
                self._read_back(segment)
                return

    def _read_back(self, segment: Segment) -> None:
        found = self._spool.read(segment)
        self.torn_frames += bool(found.torn)
        bad = list(found.bad)
        calls = []
        for payload in found.payloads[segment.handed :]:
            try:
                calls.append((len(payload), *_decode(payload)))
            except msgspec.MsgspecError:
                bad.append(payload)
        if bad:
            self._spool.set_aside(segment.path.stem, b"".join(bad))
            self.bad_frames += len(bad)
        with self._counting:
            self.queued_bytes += sum(size for size, _, _ in calls)
        for size, record, content in calls:
            self._queue.append(Waiting(record, content, segment, size, segment.opened))
        frames = segment.handed + len(calls)
        self.inherited += frames - segment.frames
        segment.frames = segment.handed = frames
        segment.spilled = False
        self._delete_settled({segment})

    def _idle(self, now: float) -> float:
        with self._settling:
            self._settling.notify_all()
        if now - self._busy_at < _REST_AFTER:
            return self._every
        self._spool.rest()
        self._delete_settled(set(self._spool.segments))
        return self._every if self._index(now) else min(_REST_AFTER, self._adopt_at - now)

    def _index(self, now: float) -> bool:
        """Do a little of what can wait; whether more is left."""
        if self._when_idle is None:
            return False
        if now < self._index_at:
            return self._index_more
        try:
            self._index_more = self._when_idle() > 0
        except StoreError as error:
            self._index_at = now + _ADOPT_EVERY
            self._index_more = False
            self.complaints.add("calls cannot be indexed for searching", error)
        else:
            # It has its share of the time and no more: calls may come at any moment.
            took = self._monotonic() - now
            self._index_at = now + took / _INDEX_SHARE
        return self._index_more
