"""`seawall plugins`: what is installed, by kind, without importing any of it."""

import click

from seawall.runtime.registry import Registry

KINDS = ("provider",)


@click.command()
@click.argument("kind", required=False, type=click.Choice(KINDS))
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document.")
def plugins(kind: str | None, as_json: bool) -> None:
    """List installed plug-ins, all or of one KIND."""
    import msgspec

    found = {each: Registry(each).names() for each in ([kind] if kind else KINDS)}
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for each, names in found.items():
        click.echo(f"{each}s: {', '.join(names)}")
