"""`seawall demo`: everything at work in a quarter of a minute, without a key and without a network."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.serve import run_loop
from seawall.cli.terminal import safe

if TYPE_CHECKING:
    from rich.table import Table

    from seawall.lifecycle.demo.report import Report, Row
    from seawall.lifecycle.demo.stage import Stage

PACE = 8.0
"""Calls a second, unless --seconds says otherwise."""
NARROWEST = 130
"""Columns of the table where there is no terminal to ask for its width."""


@click.command()
@click.option(
    "--calls", default=120, show_default=True, type=click.IntRange(18, 5000), help="How many calls."
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    help="The time they are spread over; without it, eight calls a second.",
)
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the project here and leave it, records and all.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document.")
@click.option("--stay", is_flag=True, help="Keep serving afterwards, until Ctrl-C.")
def demo(calls: int, seconds: float | None, keep: Path | None, as_json: bool, stay: bool) -> None:
    """Play a shop's customer service through Seawall while its first model provider misbehaves.

    Starts two scripted providers and the gateway on this machine, calls it through the official OpenAI SDK
    (support with tools, extraction to a JSON schema, classification, plain models; streamed and whole), and
    shows what the store recorded. Needs no key and no network. Exit code 1 if one of its checks fails.
    """
    passed: list[bool] = []
    with _folder(keep) as folder:
        run_loop(
            lambda: _until_stopped(
                _demo(folder, passed, calls, seconds or calls / PACE, as_json=as_json, stay=stay)
            )
        )
        if keep is not None and not as_json:
            click.echo(f"the project and its records are in {keep}: seawall records search --project {keep}")
    if passed != [True]:
        sys.exit(1)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="seawall-demo-") as folder:
        yield Path(folder)


async def _until_stopped(work: Any) -> None:
    """Do *work*; SIGTERM and a closed terminal end it as cleanly as Ctrl-C does."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("the demo does not run in a task")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        await work
    except asyncio.CancelledError:
        click.echo("stopped", err=True)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _demo(
    folder: Path, passed: list[bool], calls: int, seconds: float, *, as_json: bool, stay: bool
) -> None:
    from seawall.lifecycle.demo.stage import perform, staged
    from seawall.lifecycle.demo.workload import plan

    errands = plan(calls)
    progress = _Quiet() if as_json else _Bar(len(errands)) if sys.stderr.isatty() else _Lines(len(errands))
    progress.tell("starting two providers and the gateway")
    async with staged(folder) as stage:
        with progress:
            report = await perform(stage, errands, seconds=seconds, tell=progress.tell, count=progress.count)
        passed.append(report.passed)
        if as_json:
            click.echo(_document(report))
        else:
            _show(report)
            _invite(stage, stay=stay)
        if stay:
            await asyncio.get_running_loop().create_future()


class _Quiet:
    """Says nothing on the way."""

    def __enter__(self) -> "_Quiet":
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""

    def tell(self, text: str) -> None:
        """An act has begun."""

    def count(self, begun: int) -> None:
        """So many errands have been begun."""


class _Lines(_Quiet):
    """One line for each act: for logs."""

    def __init__(self, errands: int) -> None:
        self._errands = errands
        self._begun = 0

    def tell(self, text: str) -> None:
        click.echo(f"[{self._begun}/{self._errands}] {text}", err=True)

    def count(self, begun: int) -> None:
        self._begun = begun


class _Bar(_Quiet):
    """A bar on the terminal, with the act beside it."""

    def __init__(self, errands: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=errands)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, text: str) -> None:
        self._progress.update(self._task, description=text)
        self._progress.console.print(f"  {text}", markup=False, highlight=False)

    def count(self, begun: int) -> None:
        self._progress.update(self._task, completed=begun)


def _show(report: "Report") -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=NARROWEST, no_color=True)
    console.print(_table(report))
    for one in report.stories:
        click.echo(f"\n{one.title}: seawall explain-call {one.call_id}")
        for line in one.lines:
            click.echo(f"  {safe(line)}")
    seen = report.seen
    click.echo(
        f"\nThe application sent {len(seen.sent)} calls in {report.seconds:.1f} s: {seen.answered} answered, "
        f"{seen.refused} refused, {seen.errors} ended in an explicit error "
        f"({seen.cut} of them within a stream) and were asked again."
    )
    for check in report.checks:
        click.echo(f"  {'holds' if check.held else 'FAILS'}  {check.statement}")
    for what in seen.unanswered:
        click.echo(f"         {safe(what)}")


def _table(report: "Report") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title="What the store recorded (times in ms)", title_justify="left")
    headings = (
        *("feature", "calls", "P50", "P90", "P99", "first\ntoken", "own\nP50", "tokens\nin", "tokens\nout"),
        *("cost\nUSD", "re-\npairs", "re-\nasks", "re-\ntries", "fall-\nbacks", "re-\nfused", "er-\nrors"),
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "feature" else "right", no_wrap=True)
    for row in report.rows:
        if row is report.rows[-1]:
            table.add_section()
        table.add_row(*_cells(row))
    return table


def _cells(row: "Row") -> list[str]:
    times = [_ms(each) for each in (row.p50, row.p90, row.p99, row.first_p50)]
    own = "–" if row.own_p50 is None else f"{row.own_p50:.1f}"
    cost = "unknown" if row.cost_usd is None else f"{row.cost_usd:.6f}"
    counts = (row.repairs, row.reasks, row.retries, row.fallbacks, row.refused, row.errors)
    tokens = (row.input_tokens, row.output_tokens)
    return [row.feature, str(row.calls), *times, own, *map(str, tokens), cost, *map(str, counts)]


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _invite(stage: "Stage", *, stay: bool) -> None:
    """How to go on: with this gateway while it stays, and with one's own application and keys."""
    click.echo(
        """
Your own application and keys:
  export OPENAI_API_KEY=…            or another vendor's; without any, the scripted model answers
  seawall init myproject             the first feature, as files
  seawall serve myproject            http://127.0.0.1:4949/v1 and your first key
  OpenAI(base_url="http://127.0.0.1:4949/v1", api_key="sw-…")   and model="support-answer"
  seawall records search --project myproject"""
    )
    if stay:
        click.echo(
            f"""
This gateway stays until Ctrl-C:
  base_url  {stage.url}
  api_key   {stage.key}
  models    support, read-mail, triage, primary/scripted-small
  records   seawall records search --project {stage.folder}"""
        )


def _document(report: "Report") -> str:
    import msgspec

    document = {**msgspec.to_builtins(report), "passed": report.passed}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
