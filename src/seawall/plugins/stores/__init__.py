"""Where records, contents and keys are kept: SQLite on one machine, PostgreSQL beyond it."""

from typing import TYPE_CHECKING

from seawall.core.errors import StoreError

if TYPE_CHECKING:
    from seawall.plugins.stores.sql import SqlStore


def open_store(url: str, *, power_safe: bool = False) -> "SqlStore":
    """The store at *url*: `sqlite:///path/to/file` or `postgresql://user:password@host/database`.

    Nothing is connected yet and the schema is left alone: call `migrate()` before first use. With
    *power_safe* a commit survives a loss of power, too (SQLite: `synchronous=FULL`; PostgreSQL always does).
    Raises `StoreError` for any other kind of URL.
    """
    # SQLAlchemy takes a noticeable part of a second to import, and each driver more: only what is needed.
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        from seawall.plugins.stores.sqlite import SqliteStore

        return SqliteStore(url, power_safe=power_safe)
    if scheme in ("postgresql", "postgres"):
        try:
            from seawall.plugins.stores.postgres import PostgresStore
        except ModuleNotFoundError as error:
            raise StoreError(
                f"PostgreSQL needs the package {error.name!r}", hint="pip install 'seawall[postgres]'"
            ) from error
        return PostgresStore(url)
    raise StoreError(
        f"no store is known for URLs that begin with {scheme!r}",
        hint="use sqlite:///path/to/records.db or postgresql://user:password@host/database",
    )
