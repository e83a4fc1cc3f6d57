"""`seawall run`: one question to a feature. `seawall try`: a conversation with it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seawall.cli.serve import run_loop
from seawall.core.call import Call
from seawall.core.errors import CallError
from seawall.core.events import PartDelta, PartStart
from seawall.core.messages import Message, Text

PROJECT = click.option(
    "--project", default=".", type=click.Path(path_type=Path), show_default=True, help="The project's folder."
)


@click.command()
@click.argument("feature")
@click.argument("text", required=False)
@PROJECT
@click.option("--whole", is_flag=True, help="Print the answer when it is complete, not as it comes.")
@click.option("--json", "as_json", is_flag=True, help="The answer and its record, as one JSON document.")
@click.option(
    "--metadata", multiple=True, metavar="NAME=VALUE", help="For the slots of the prompt; repeatable."
)
def run(
    feature: str, text: str | None, project: Path, whole: bool, as_json: bool, metadata: Sequence[str]
) -> None:
    """Ask FEATURE (or provider/model) for an answer to TEXT, or to what comes on standard input.

    The same five layers as behind the gateway, in this process; the call is recorded like any other.
    """
    if text is None:
        if sys.stdin.isatty():
            raise click.UsageError("give TEXT, or pipe it in")
        text = sys.stdin.read()
    asked = (Message("user", (Text(text),)),)
    facts = _pairs(metadata)
    run_loop(lambda: _run(project, feature, asked, facts, stream=not (whole or as_json), as_json=as_json))


async def _run(
    project: Path,
    feature: str,
    asked: Sequence[Message],
    facts: dict[str, str],
    *,
    stream: bool,
    as_json: bool,
) -> None:
    from seawall.runtime.app import App

    async with App.open(project) as app:
        call = await _ask(app, feature, asked, facts, stream=stream, quiet=as_json)
        if as_json:
            _print_json(call)
        else:
            _print_facts(call)


@click.command(name="try")
@click.argument("feature")
@PROJECT
def try_(feature: str, project: Path) -> None:
    """Talk with FEATURE, turn by turn. An empty line or Ctrl-D ends the conversation."""
    run_loop(lambda: _try(project, feature))


async def _try(project: Path, feature: str) -> None:
    import asyncio

    from seawall.runtime.app import App

    talk: list[Message] = []
    async with App.open(project) as app:
        app.graph.find(feature)  # a wrong name is told before the first question
        while True:
            try:
                said = await asyncio.to_thread(input, "you> ")
            except EOFError:
                break
            if not said.strip():
                break
            talk.append(Message("user", (Text(said),)))
            try:
                call = await _ask(app, feature, talk, {}, stream=True, quiet=False)
            except CallError as error:
                talk.pop()
                click.echo(f"{error.code}: {error}", err=True)
                continue
            talk.append(call.record.sent.answer.message)
            _print_facts(call)


async def _ask(
    app: Any, feature: str, asked: Sequence[Message], facts: dict[str, str], *, stream: bool, quiet: bool
) -> Call:
    """Ask, printing the answer on the way unless *quiet*; the call, finished."""
    from seawall.cli.terminal import safe
    from seawall.core.events import Event
    from seawall.core.request import ChatRequest
    from seawall.library.facade import LOCAL

    request = ChatRequest(
        model=feature, messages=tuple(asked), stream=stream, include_usage=True, metadata=facts or None
    )
    call: Call
    call, handler = app.admit(request, LOCAL, dialect="cli", correlation_id="")
    kinds: dict[int, str] = {}

    async def emit(event: Event) -> None:
        if quiet:
            return
        if isinstance(event, PartStart):
            kinds[event.index] = event.kind
            if event.kind == "tool_call":
                click.echo(f"[{safe(event.name)} ", nl=False)
        elif isinstance(event, PartDelta) and kinds[event.index] != "reasoning":
            click.echo(safe(event.text), nl=False)

    try:
        await handler(call, emit)
    finally:
        if not quiet and call.record.sent.events:
            click.echo()
    return call


def _print_facts(call: Call) -> None:
    record = call.record
    usage = record.usage
    tokens = f"{usage.input_tokens} + {usage.output_tokens} tokens" if usage else "no tokens"
    cost = "price unknown" if record.cost_nano is None else f"{record.cost_nano / 1e9:.6f} USD"
    tries = len(record.attempts)
    click.echo(
        f"{record.target}  {tokens}  {cost}  {tries} attempt{'s' if tries != 1 else ''}  {call.id}", err=True
    )


def _print_json(call: Call) -> None:
    import msgspec

    answer = call.record.sent.answer
    facts = {
        "call_id": call.id,
        "text": answer.text,
        "answer": answer,
        "target": call.record.target,
        "usage": call.record.usage,
        "cost_nano_usd": call.record.cost_nano,
        "attempts": call.record.attempts,
        "decisions": call.record.decisions,
    }
    click.echo(msgspec.json.encode(facts).decode())


def _pairs(metadata: Sequence[str]) -> dict[str, str]:
    facts = {}
    for pair in metadata:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--metadata {pair!r} is not NAME=VALUE")
        facts[name] = value
    return facts
