"""`seawall keys`: who may call."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seawall.cli.lookup import Duration, as_json, cell, one_line, opened_store, print_table, table_of, where

if TYPE_CHECKING:
    from seawall.core.ports import ApiKey


@click.group()
def keys() -> None:
    """Make, list and revoke the keys with which callers identify themselves."""


@keys.command()
@where
@click.option("--name", required=True, help="What the key is for.")
@click.option("--tenant", default="default", show_default=True, help="On whose behalf its calls are.")
@click.option(
    "--feature", "features", multiple=True, help="Only for this feature; repeatable. All without any."
)
@click.option("--admin", is_flag=True, help="It may also read metrics and the details of health.")
@click.option("--expires", type=Duration(), metavar="DURATION", help="After 30d, 12h, …; never without.")
def create(
    project: Path,
    store: str | None,
    name: str,
    tenant: str,
    features: Sequence[str],
    admin: bool,
    expires: float | None,
) -> None:
    """Make a key and print it. It is shown this once; only its keyed hash is kept."""
    import hmac
    import secrets

    from seawall.core.ports import ApiKey
    from seawall.runtime.keyring import new_key
    from seawall.runtime.pepper import load_pepper
    from seawall.runtime.project import known_project

    key, now = new_key(), time.time()
    pepper = load_pepper(known_project(project).state_folder)
    made = ApiKey(
        id="k-" + secrets.token_hex(6),
        digest=hmac.digest(pepper, key.encode(), "sha256"),
        tenant=tenant,
        name=name,
        created=now,
        features=tuple(features) or None,
        admin=admin,
        expires=None if expires is None else now + expires,
    )
    with opened_store(project, store) as opened:
        opened.add_key(made)
    click.echo(f"key {made.id} for tenant {one_line(tenant)!r}; it is not shown again:", err=True)
    click.echo(key)


@keys.command(name="list")
@where
@click.option("--json", "json", is_flag=True, help="For machines: one JSON document.")
def list_(project: Path, store: str | None, json: bool) -> None:
    """List the keys, never the secrets."""
    from msgspec.structs import asdict

    with opened_store(project, store) as opened:
        found = opened.list_keys()
    if json:
        shown = [asdict(key) for key in found]
        click.echo(as_json([{**key, "digest": "not shown"} for key in shown]))
    elif found:
        table = table_of("id", "name", "tenant", "features", "admin", "created", "state")
        for key in found:
            table.add_row(*map(cell, _key_cells(key, time.time())))
        print_table(table)
    if not found:
        click.echo("there are no keys; `seawall keys create --name …` makes one", err=True)


@keys.command()
@click.argument("key_id")
@where
def revoke(key_id: str, project: Path, store: str | None) -> None:
    """Refuse the key KEY_ID from now on."""
    with opened_store(project, store) as opened:
        done = opened.revoke_key(key_id, time.time())
    if not done:
        raise click.ClickException(f"there is no key {key_id!r} in force; `seawall keys list` shows all")
    click.echo(f"key {key_id} is revoked", err=True)


def _key_cells(key: "ApiKey", now: float) -> list[str]:
    if key.revoked is not None:
        state = f"revoked {_day(key.revoked)}"
    elif key.expires is not None:
        state = f"{'expired' if key.expires <= now else 'until'} {_day(key.expires)}"
    else:
        state = "in force"
    features = "all" if key.features is None else ", ".join(key.features)
    admin = "yes" if key.admin else "no"
    return [key.id, *map(one_line, (key.name, key.tenant, features)), admin, _day(key.created), state]


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
