"""`seawall drill`: inject each failure, with Seawall off and on, and show what came of it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seawall.cli.serve import run_loop


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="Only say which there are.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document on standard output.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the JSON document here, too."
)
def drill(ids: Sequence[str], listed: bool, as_json: bool, output: Path | None) -> None:
    """Run the drills of the rows ID (all without any). Exit code 1 if one does not pass.

    Each starts what it needs on this machine, breaks it, and needs no key and no network.
    """
    from seawall.lifecycle.drills.catalogue import DRILLS, find

    wanted = []
    for each in ids:
        found = find(each)
        if found is None:
            raise click.UsageError(f"no drill {each!r}; there are: {', '.join(one.id for one in DRILLS)}")
        wanted.append(found)
    chosen = wanted or list(DRILLS)
    if listed:
        for one in chosen:
            click.echo(f"{one.id}  {one.title}: {one.injected}")
        return
    reports: list[Any] = []
    run_loop(lambda: _perform(chosen, reports, quiet=as_json))
    document = _document(reports)
    if output is not None:
        output.write_bytes(document)
    if as_json:
        click.echo(document.decode())
    if not all(report.passed for report in reports):
        sys.exit(1)


async def _perform(chosen: Sequence[Any], reports: list[Any], *, quiet: bool) -> None:
    from seawall.lifecycle.drills.catalogue import perform

    for one in chosen:
        if not quiet:
            click.echo(f"{one.id}  {one.title}: {one.injected}", err=True)
        report = await perform(one, lambda text: None if quiet else click.echo(f"  … {text}", err=True))
        reports.append(report)
        if not quiet:
            _show(report)


def _show(report: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report.id}  {report.title}", title_justify="left")
    for name in ("figure", "Seawall off", "Seawall on"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for figure in report.figures:
        table.add_row(figure.name, _number(figure.off, figure.unit), _number(figure.on, figure.unit))
    console = Console()
    console.print(table)
    for claim in report.claims:
        console.print(
            f"  {'holds' if claim.held else 'FAILS'}  {claim.statement}", highlight=False, markup=False
        )
    verdict = "passed" if report.passed else "NOT PASSED"
    console.print(f"  {report.id} {verdict} in {report.seconds:.1f} s\n", highlight=False, markup=False)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    text = f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


def _document(reports: Sequence[Any]) -> bytes:
    import msgspec

    rows = [{**msgspec.to_builtins(report), "passed": report.passed} for report in reports]
    return msgspec.json.format(msgspec.json.encode({"drills": rows}), indent=2)
