"""`seawall records`: look up what was recorded."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.keys import keys
from seawall.cli.lookup import Moment, as_json, cell, one_line, opened_store, print_table, table_of, where
from seawall.cli.terminal import safe

if TYPE_CHECKING:
    from rich.table import Table

    from seawall.core.ports import CallQuery, Store, StoredCall
    from seawall.core.record import Record

__all__ = ["keys", "records"]

_TAIL_WINDOW = 600.0
_TAIL_MOST = 500
_TAIL_PAUSE = 1.0


def _conditions(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--text", default="", metavar="WORDS", help="Words that were said; all of them."),
        click.option("--tenant", default="", help="Only this tenant's."),
        click.option("--model", default="", help="Only answers of this model, as the provider names it."),
        click.option("--outcome", default="", help="Only calls that ended so: ok, provider_error, …"),
        click.option("--feature", default="", help="Only calls of this feature."),
    ):
        command = option(command)
    return command


@click.group()
def records() -> None:
    """Look up recorded calls."""


@records.command()
@where
@_conditions
@click.option("--since", type=Moment(), help="Not before: 1h (ago), 2026-11-21 or 2026-11-21T14:30.")
@click.option("--until", type=Moment(), help="Before this time; written in the same way.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many."
)
@click.option("--json", "json", is_flag=True, help="For machines: one JSON document.")
def search(project: Path, store: str | None, json: bool, **conditions: Any) -> None:
    """List calls, newest first."""
    from seawall.core.ports import CallQuery

    with opened_store(project, store) as opened:
        found = opened.find_calls(CallQuery(**conditions))
    if json:
        click.echo(as_json(found))
    elif found:
        print_table(_call_table(found))
    if not found:
        click.echo("no call meets these conditions", err=True)


@records.command()
@click.argument("call_id")
@where
@click.option("--json", "json", is_flag=True, help="For machines: one JSON document.")
@click.option("--content", is_flag=True, help="Show what was said, too.")
def show(call_id: str, project: Path, store: str | None, json: bool, content: bool) -> None:
    """Show all that was recorded of the call CALL_ID."""
    with opened_store(project, store) as opened:
        found = opened.get_call(call_id)
    if found is None:
        raise click.ClickException(f"there is no call {call_id!r}; `seawall records search` lists them")
    _print_call(found, json, content)


@records.command()
@where
@_conditions
@click.option("--json", "json", is_flag=True, help="For machines: a JSON document on each line.")
def tail(project: Path, store: str | None, json: bool, **conditions: Any) -> None:
    """Print calls as they are recorded, until Ctrl-C."""
    from seawall.core.ports import CallQuery

    with opened_store(project, store) as opened:
        try:
            for record in follow(opened, CallQuery(**conditions), time.time, time.sleep):
                click.echo(as_json(record) if json else "  ".join(_cells(record)))
        except KeyboardInterrupt:
            return


def follow(
    store: "Store", query: "CallQuery", wall: Callable[[], float], pause: Callable[[float], None]
) -> Iterator["Record"]:
    """Records that meet *query*, oldest first, as they come; those already there are passed over.

    A record comes when its call is over but is dated by its beginning: those that took longer
    than ten minutes are missed.
    """
    from msgspec.structs import replace

    known: set[str] | None = None
    while True:
        window = replace(query, since=wall() - _TAIL_WINDOW, limit=_TAIL_MOST)
        found = store.find_calls(window)
        if known is not None:
            yield from (record for record in reversed(found) if record.id not in known)
        known = {record.id for record in found}
        pause(_TAIL_PAUSE)


def _print_call(call: "StoredCall", json: bool, content: bool) -> None:
    import msgspec

    document: dict[str, Any] = {"record": call.record}
    if content:
        document["content"] = call.content
    text = as_json(document)
    click.echo(text if json else safe(msgspec.json.format(text, indent=2)))
    if content and call.content is None:
        click.echo("what was said in this call is not kept", err=True)


def _cells(record: "Record") -> list[str]:
    usage = record.usage
    return [
        one_line(record.id),
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.at)),
        one_line(record.feature),
        one_line(record.outcome),
        one_line(record.served_model or "-"),
        f"{record.total_us / 1000:.0f}",
        f"{usage.input_tokens}+{usage.output_tokens}" if usage else "-",
        "-" if record.cost_nano is None else f"${record.cost_nano / 1e9:.6f}",
    ]


def _call_table(found: Sequence["Record"]) -> "Table":
    table = table_of("id", "time", "feature", "outcome", "model", "ms", "tokens", "cost")
    for record in found:
        table.add_row(*map(cell, _cells(record)))
    return table
