"""`seawall serve` as a process of its own: what drills and the demo look at from outside."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seawall.core.errors import SeawallError

START_WITHIN = 30.0
"""Seconds a gateway process has to begin to serve."""
STOP_WITHIN = 35.0
"""Seconds it has to end after SIGTERM before it is killed: its own drain, and a little more."""
LOG_FILE = "gateway.log"


@asynccontextmanager
async def gateway_process(folder: Path) -> AsyncIterator[str]:
    """Serve the project in *folder* at a free port of this machine; gives the base URL for clients.

    What the process logs goes to `gateway.log` in *folder*. Leaving stops it and waits until it is gone,
    whatever happens. Raises `SeawallError` when it does not start.
    """
    with (folder / LOG_FILE).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "seawall",
            "serve",
            str(folder),
            "--listen",
            "127.0.0.1:0",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        yield await _address(process, folder)
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    try:
        process.terminate()
        async with asyncio.timeout(STOP_WITHIN):
            await process.wait()
    except ProcessLookupError:  # it ended by itself this very moment
        await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    except asyncio.CancelledError:
        process.kill()  # whoever waits here has no time left: a second Ctrl-C
        raise


async def _address(process: asyncio.subprocess.Process, folder: Path) -> str:
    """The URL that the process announces. Raises `SeawallError` when it ends or takes too long instead."""
    if process.stdout is None:
        raise RuntimeError("the gateway's standard output is not piped")
    try:
        async with asyncio.timeout(START_WITHIN):
            async for line in process.stdout:
                if line.startswith(b"seawall serves "):
                    return line.split()[-1].decode()
    except TimeoutError:
        raise SeawallError(
            f"the gateway did not start within {START_WITHIN:g} s{_last_words(folder)}"
        ) from None
    raise SeawallError(f"the gateway did not start{_last_words(folder)}")


def _last_words(folder: Path) -> str:
    log = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace")
    return f": {log[-500:].strip()}" if log.strip() else ""
