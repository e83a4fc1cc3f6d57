"""`python -m seawall.plugins.providers.scripted`: run the scripted provider on its own."""

import argparse
import asyncio
import signal
import sys

import uvloop

from seawall.plugins.providers.scripted.faults import FaultSyntaxError, fault_table
from seawall.plugins.providers.scripted.limits import Capacity
from seawall.plugins.providers.scripted.server import ScriptedServer


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripted", description="A deterministic model behind a real HTTP server."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9600, help="0 takes any free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0, help="2 is twice as fast")
    parser.add_argument("--created", type=int, help="fix the creation time in answers (Unix seconds)")
    parser.add_argument("--api-key", help="the bearer token to insist on")
    parser.add_argument("--faults", default="", help="server-wide, e.g. status=503+retry_after=1")
    parser.add_argument("--rate", type=float, default=1.0, help="the share of requests that meet them")
    parser.add_argument("--concurrent", type=int, help="answers at a time")
    parser.add_argument("--queue", type=int, default=0, help="how many more may wait")
    parser.add_argument("--requests-per-minute", type=int)
    parser.add_argument("--tokens-per-minute", type=int)
    parser.add_argument("--list-faults", action="store_true", help="print the table of faults and stop")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    capacity = Capacity(
        options.concurrent, options.queue, options.requests_per_minute, options.tokens_per_minute
    )
    server = ScriptedServer(
        seed=options.seed,
        speed=options.speed,
        created=options.created,
        api_key=options.api_key,
        capacity=capacity,
    )
    if options.faults:
        server.faults.set(options.faults, rate=options.rate)
    await server.start(options.host, options.port)
    try:
        print(server.url, flush=True)  # noqa: T201  # this is a command, and that is its output
        await stopped.wait()
    finally:
        await server.close()


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 when the arguments cannot be."""
    options = _arguments().parse_args()
    if options.list_faults:
        print(fault_table())  # noqa: T201  # this is a command, and that is its output
        return 0
    try:
        uvloop.run(_serve(options))
    except (FaultSyntaxError, ValueError, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)  # noqa: T201  # a command's complaint
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
