"""All drills, by the mission row they prove."""

import time

import msgspec

from seawall.lifecycle.drills import fm_02, fm_07, fm_08
from seawall.lifecycle.drills.frame import Drill, Report, Tell

DRILLS: tuple[Drill, ...] = (fm_02.DRILL, fm_07.DRILL, fm_08.DRILL)


def find(wanted: str) -> Drill | None:
    """The drill of a row, however its id is written (`fm-02`, `FM-02`)."""
    return next((drill for drill in DRILLS if drill.id.lower() == wanted.lower()), None)


async def perform(drill: Drill, tell: Tell) -> Report:
    """Run one drill from nothing to nothing."""
    began = time.monotonic()
    figures, claims = await drill.run(tell)
    report = Report(drill.id, drill.title, drill.injected, tuple(figures), tuple(claims))
    return msgspec.structs.replace(report, seconds=round(time.monotonic() - began, 2))
