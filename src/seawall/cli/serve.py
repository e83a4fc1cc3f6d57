"""`seawall serve`: the gateway. `seawall scripted`: a provider to try it on."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--listen", metavar="HOST:PORT", help="Where to listen, instead of what seawall.yaml says.")
@click.option("--verbose", "-v", is_flag=True, help="Say more.")
def serve(folder: Path, listen: str | None, verbose: bool) -> None:
    """Serve the project in DIR as an OpenAI-compatible gateway.

    Without any files it serves what it finds: providers whose keys are in the environment
    (OPENAI_API_KEY, MISTRAL_API_KEY, …) and model servers on this machine (Ollama, vLLM).
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    for chatty in ("asyncio", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    run_loop(lambda: _serve(folder, listen))


def run_loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run *main* on the fastest event loop there is here."""
    if sys.platform == "win32":
        asyncio.run(main())
    else:
        import uvloop

        uvloop.run(main())


def spare_the_collector() -> None:
    """Keep the cyclic garbage collector away from what lives as long as the process.

    What was loaded at the start is never garbage; looking through it again and again costs more than all
    the layers together. The events of a call hold no cycles, so young objects need no frequent look either.
    """
    import gc

    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _serve(folder: Path, listen: str | None) -> None:
    from seawall.gateway.serve import served, until_signal
    from seawall.runtime.app import App
    from seawall.runtime.discover import discovered_project
    from seawall.runtime.first_key import KEY_FILE, ensure_first_key
    from seawall.runtime.project import has_files, read_project

    project = (
        read_project(folder) if has_files(folder) else await asyncio.to_thread(discovered_project, folder)
    )
    host, port = _address(listen) if listen else (project.listen.host, project.listen.port)
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(App.open(folder, project=project))
        made = ensure_first_key(app.store, app.keys, project.state_folder, app.clock.wall())
        try:
            here = await stack.enter_async_context(served(app, host=host, port=port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen at {host}:{port}: {error.strerror or error}"
            ) from error
        spare_the_collector()
        _announce(app, here.url, made, project.state_folder / KEY_FILE)
        name = await until_signal(app)
        click.echo(f"{name}: finishing what is under way ({project.drain:g} s at most)", err=True)


def _announce(app: Any, url: str, made: str | None, key_file: Path) -> None:
    project = app.project
    for warning in project.warnings:
        click.echo(f"{warning}\n", err=True)
    features = ", ".join(sorted(project.features)) or "none"
    click.echo(f"seawall serves {url}")
    click.echo(f"  features   {features}")
    click.echo(f"  models     {_models(app)}")
    click.echo(f"  records    seawall records search --project {project.root}")
    if made:
        click.echo(f"  key        {made}   (new; kept in {key_file})")
    else:
        click.echo("  keys       seawall keys list")


def _models(app: Any) -> str:
    patterns = app.project.allow_models
    if not patterns:
        return "features only"
    usable = app.graph.reachable
    if not usable:
        return "no provider is usable without features: set a key such as OPENAI_API_KEY"
    return ", ".join(f"{name}/…" for name in usable)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise click.UsageError(f"--listen {text!r} is not HOST:PORT, such as 127.0.0.1:4949")
    return host.strip("[]"), int(port)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9600, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Another seed, other answers.")
@click.option("--speed", default=1.0, show_default=True, help="2 is twice as fast.")
def scripted(host: str, port: int, seed: int, speed: float) -> None:
    """Run the scripted provider: a deterministic model behind a real HTTP server, to try things on."""
    run_loop(lambda: _scripted(host, port, seed, speed))


async def _scripted(host: str, port: int, seed: int, speed: float) -> None:
    import signal

    from seawall.plugins.providers.scripted import ScriptedServer

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = ScriptedServer(seed=seed, speed=speed)
    try:
        await server.start(host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen at {host}:{port}: {error.strerror or error}") from error
    click.echo(f"the scripted provider answers at {server.url}")
    await stopped.wait()
    await server.close()
