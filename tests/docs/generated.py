"""The parts of the reference that are made from the code: `python -m tests.docs.generated` writes them anew.

Each stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; what is around it is by hand.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from seawall.cli.main import cli
from seawall.gateway.counting import HttpMetrics
from seawall.plugins.providers.capabilities import VENDORS, Vendor
from seawall.runtime.app import App

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
WIDTH = 80


def commands() -> str:
    """Every command with its help, in the order of `seawall --help`."""
    return "\n".join(_command_lines(cli, ("seawall",)))


def _command_lines(command: click.Command, names: tuple[str, ...]) -> Iterator[str]:
    title = " ".join(names)
    shown = CliRunner().invoke(command, ["--help"], prog_name=title, terminal_width=WIDTH)
    if shown.exit_code:
        raise RuntimeError(f"{title} --help ended with {shown.exit_code}: {shown.output}")
    yield from (f"## `{title}`", "", "```text", shown.output.rstrip(), "```", "")
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _command_lines(found, (*names, name))


def vendors() -> str:
    """Every vendor: where it is, its key, and what it refuses."""
    head = ("vendor", "address", "key from", "needs a key", "not taken", "taken beyond the standard")
    rows = [head, ("---",) * len(head)]
    rows += [_vendor_row(name, each) for name, each in VENDORS.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _vendor_row(name: str, vendor: Vendor) -> tuple[str, ...]:
    def listed(names: frozenset[str]) -> str:
        return ", ".join(f"`{each}`" for each in sorted(names)) or "–"

    def coded(text: str) -> str:
        return f"`{text}`" if text else "–"

    need = "no" if vendor.keyless else "yes"
    chat = vendor.chat
    return (
        f"`{name}`",
        coded(vendor.base_url),
        coded(vendor.key_variable),
        need,
        listed(chat.unsupported),
        listed(chat.extras),
    )


def metrics() -> str:
    """Every metric of a running gateway."""
    lines = ["| metric | kind | labels | what |", "| --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "seawall.yaml").write_text("seawall: 1\n", encoding="utf-8")
        lines += asyncio.run(_metric_rows(Path(folder)))
    return "\n".join(lines)


async def _metric_rows(folder: Path) -> list[str]:
    async with App.open(folder) as app:
        HttpMetrics(app.registry)
        rows = []
        for name, family in app.registry._families.items():
            text, kind = next(family.render()).split("\n")
            labels = ", ".join(f"`{label}`" for label in family._names) or "–"
            what = text.removeprefix(f"# HELP {name} ")
            rows.append(f"| `{name}` | {kind.rpartition(' ')[2]} | {labels} | {what} |")
        return rows


PARTS = {
    "commands": ("cli.md", commands),
    "vendors": ("providers.md", vendors),
    "metrics": ("http-api.md", metrics),
}


def renewed(name: str, page: str) -> str:
    """*page* with its generated part *name* as the code has it now."""
    made = PARTS[name][1]()
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    found = re.sub(
        f"{re.escape(begin)}\n.*?{re.escape(end)}",
        lambda _: f"{begin}\n{made}\n{end}",
        page,
        count=1,
        flags=re.DOTALL,
    )
    if begin not in found or end not in found:
        raise ValueError(f"the page has no part {name!r}")
    return found


def write() -> None:
    """Bring all parts up to date."""
    for name, (file, _) in PARTS.items():
        path = REFERENCE / file
        path.write_text(renewed(name, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
