"""A process that records calls until it is killed, in a module that the server it is forked from imports."""

import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from seawall.layers.monitoring.recorder import CallRecorder, RecorderSettings
from seawall.plugins.stores import open_store
from seawall.plugins.stores import sqlite as _sqlite  # noqa: F401  # so that no child has to import it

from tests.support.recorded import content, record

SETTINGS = RecorderSettings(batch=7, every=0.001, segment_bytes=6_000)


def record_calls(folder: Path, url: str, point: str, times: int, first: int, said: Connection) -> None:
    """Record calls from number *first* on, say each number when its `submit` has returned, and die at the
    point named *point* when it is reached *times* times."""
    store = open_store(url)
    recorder = CallRecorder(store, folder, SETTINGS, fault=_killer(point, times))
    recorder.start()
    for number in range(first, first + 100_000):
        recorder.submit(record(number), content(f"question {number}", f"answer {number}"))
        said.send(number)


def _killer(point: str, times: int) -> Callable[[str], None]:
    left = [times]

    def fault(name: str) -> None:
        if name == point:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return fault
