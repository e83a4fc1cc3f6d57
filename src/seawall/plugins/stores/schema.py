"""Bring a database to the schema of this version of Seawall, or refuse."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from seawall.core.errors import StoreError

HEAD = "0001"
"""The newest of `migrations/versions`; asked by SQL first, since importing Alembic takes 0.3 s and more."""


def version_of(connection: Connection) -> str:
    """The revision the database is at; empty for a new one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def upgrade(connection: Connection, version: str) -> None:
    """From *version* to `HEAD`, inside the transaction that is open on *connection*.

    Raises `StoreError` when a newer Seawall has been here.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version and version not in known:
        raise StoreError(
            f"the database has schema {version!r}, which is newer than this version of Seawall",
            hint=f"this version knows schemas up to {HEAD!r}: upgrade Seawall, or use another database",
        )
    command.upgrade(config, "head")
