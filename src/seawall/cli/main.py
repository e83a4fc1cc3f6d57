"""The command line: a list of names, each loaded when it is called."""

import importlib
import sys
from typing import Any

import click

from seawall import __version__
from seawall.core.errors import SeawallError

COMMANDS = {
    "init": "seawall.cli.spec:init",
    "check": "seawall.cli.spec:check",
    "explain": "seawall.cli.spec:explain",
    "fmt": "seawall.cli.spec:fmt",
    "schema": "seawall.cli.spec:schema",
    "serve": "seawall.cli.serve:serve",
    "run": "seawall.cli.ask:run",
    "try": "seawall.cli.ask:try_",
    "records": "seawall.cli.records:records",
    "explain-call": "seawall.cli.explain_call:explain_call",
    "keys": "seawall.cli.records:keys",
    "drill": "seawall.cli.drill:drill",
    "demo": "seawall.cli.demo:demo",
    "scripted": "seawall.cli.serve:scripted",
    "plugins": "seawall.cli.plugins:plugins",
}
"""In the order in which `--help` shows them: from the first file to the daily work."""


class Lazy(click.Group):
    """A group that imports a command when it is needed, so that none pays for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            suggestion = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"{error.message}{suggestion}", ctx) from None


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seawall")
def cli() -> None:
    """Seawall: the production layer between an application and its language models.

    Exit codes: 0 well, 1 it failed or found something, 2 the command itself was wrong.
    """


def main(args: list[str] | None = None) -> Any:
    """The entry point of the `seawall` command."""
    try:
        return cli(args, prog_name="seawall")
    except SeawallError as error:
        click.echo(f"seawall: {error}", err=True)
        if error.hint and error.hint not in str(error):
            click.echo(f"  {error.hint}", err=True)
        sys.exit(1)
    except BrokenPipeError:  # `seawall records search | head`
        sys.stderr.close()
        sys.exit(0)
