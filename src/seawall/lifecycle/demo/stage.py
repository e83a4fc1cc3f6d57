"""Everything the demo needs, running: two providers in this process, the gateway in one of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from seawall.core.ports import CallQuery
from seawall.core.record import Record
from seawall.lifecycle.demo.caller import Caller, open_client, require_sdk
from seawall.lifecycle.demo.faults import Play
from seawall.lifecycle.demo.project import write_project
from seawall.lifecycle.demo.report import Report, make_report
from seawall.lifecycle.demo.workload import Errand, play
from seawall.lifecycle.process import gateway_process
from seawall.plugins.providers.scripted import ScriptedServer
from seawall.runtime.first_key import local_key
from seawall.runtime.project import open_project_store

if TYPE_CHECKING:
    from openai import AsyncOpenAI

STORED_WITHIN = 10.0
"""Seconds that the last records may take into the store."""
LOOK_EVERY = 0.1


class Stage(Struct, frozen=True):
    """Where everything is."""

    folder: Path
    url: str
    key: str
    primary: ScriptedServer
    client: "AsyncOpenAI"


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Write the project into *folder*, start its providers and its gateway; all of it ends with the context.

    Raises `SeawallError` for a folder that is in use, a missing SDK, or a gateway that does not start.
    """
    require_sdk()
    async with ScriptedServer(seed=11) as primary, ScriptedServer(seed=12) as backup:
        write_project(folder, primary=primary.url, backup=backup.url)
        async with gateway_process(folder) as url:
            key = local_key(folder / ".seawall")
            async with open_client(url, key) as client:
                yield Stage(folder, url, key, primary, client)


async def perform(
    stage: Stage,
    errands: list[Errand],
    *,
    seconds: float,
    tell: Callable[[str], None],
    count: Callable[[int], None],
) -> Report:
    """Play *errands* in about so many *seconds* and report on them.

    `tell` hears of each act that begins, `count` how many errands have been begun.
    """
    began = time.monotonic()
    caller, acts = Caller(stage.client), Play(stage.primary.faults)

    def reach(share: float) -> None:
        count(min(len(errands), round(share * len(errands)) + 1))
        if told := acts.reach(share):
            tell(told)

    await play(errands, caller, seconds=seconds, reach=reach)
    records = await asyncio.to_thread(read_records, stage.folder, len(caller.seen.sent))
    return make_report(records, caller.seen, time.monotonic() - began)


def read_records(folder: Path, awaited: int) -> list[Record]:
    """All records of the project in *folder*, oldest first, once there are *awaited* or time is up."""
    store = open_project_store(folder)
    try:
        deadline = time.monotonic() + STORED_WITHIN
        while True:
            records = store.find_calls(CallQuery(limit=100_000))
            if len(records) >= awaited or time.monotonic() > deadline:
                return records[::-1]
            time.sleep(LOOK_EVERY)
    finally:
        store.close()
