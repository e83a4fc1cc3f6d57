"""What the commands that look into the store share: where it is, when things were, how they are printed."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.terminal import safe

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from seawall.core.ports import Store

_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What JSON leaves as it is and a terminal may obey."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Duration(click.ParamType[float]):
    """A number and a unit, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", str(value))
        if found is None:
            self.fail(f"{value!r} is not a duration: write it like 90s, 15m, 1h, 30d or 2w", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


class Moment(click.ParamType[float]):
    """A time on the clock, or a duration before now; as Unix seconds."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if re.fullmatch(r"\d+(?:\.\d+)?[smhdw]", str(value)):
            return time.time() - Duration().convert(value, param, ctx)
        try:
            return datetime.fromisoformat(str(value)).astimezone().timestamp()
        except ValueError:
            self.fail(
                f"{value!r} is no time: write it like 1h (ago), 2026-11-21 or 2026-11-21T14:30", param, ctx
            )


def where(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options `--project` and `--store`."""
    for option in (
        click.option("--store", metavar="URL", help="The store itself, instead of the project's."),
        click.option("--project", default=".", type=click.Path(path_type=Path), help="The project's folder."),
    ):
        command = option(command)
    return command


@contextmanager
def opened_store(project: Path, url: str | None) -> Iterator["Store"]:
    """The store at *url*, or that of *project* without one; closed afterwards."""
    if url is None:
        from seawall.runtime.project import open_project_store

        store = open_project_store(project)
    else:
        from seawall.plugins.stores import open_store

        store = open_store(url)
        store.migrate()
    try:
        yield store
    finally:
        store.close()


def one_line(text: str) -> str:
    """*text* on one line, and harmless."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


def as_json(value: Any) -> str:
    """*value* as JSON that is as harmless on a terminal as it is for machines."""
    import msgspec

    text = msgspec.json.encode(value).decode()
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def table_of(*headings: str) -> "Table":
    """An empty table."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for heading in headings:
        right = heading in ("ms", "tokens", "cost")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True, overflow="fold")
    return table


def cell(text: str) -> "Text":
    """*text* as it is: rich would read a plain string as markup."""
    from rich.text import Text

    return Text(text)


def print_table(table: "Table") -> None:
    """Print it, cut to the width of the terminal if there is one."""
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        console.print(table)
    else:
        Console(width=10_000, no_color=True).print(table)
