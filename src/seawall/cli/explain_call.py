"""`seawall explain-call`: why this answer came out, in words."""

from pathlib import Path

import click


@click.command(name="explain-call")
@click.argument("call_id")
@click.option("--project", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document.")
@click.option("--content", is_flag=True, help="Show what was asked, what the model saw, and the answer.")
def explain_call(call_id: str, project: Path, as_json: bool, content: bool) -> None:
    """Tell the life of the call CALL_ID: what was decided, tried, checked, spent."""
    import msgspec

    from seawall.cli.terminal import safe
    from seawall.layers.monitoring.story import story
    from seawall.runtime.project import open_project_store

    store = open_project_store(project)
    try:
        found = store.get_call(call_id)
    finally:
        store.close()
    if found is None:
        raise click.ClickException(f"there is no call {call_id!r}; `seawall records search` lists them")
    lines = story(found.record, found.content)
    if as_json:
        click.echo(msgspec.json.encode({"id": call_id, "story": lines, "record": found.record}).decode())
        return
    for line in lines:
        click.echo(safe(line))
    if content and found.content is not None:
        click.echo(safe(msgspec.json.format(msgspec.json.encode(found.content), indent=2).decode()))
