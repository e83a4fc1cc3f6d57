"""The store in one SQLite file: WAL mode, one connection that writes, others that read."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    column,
    create_engine,
    event,
    insert,
    select,
    table,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, InterfaceError, ProgrammingError

from seawall.core.errors import StoreError
from seawall.plugins.stores.sql import Row, SqlStore
from seawall.plugins.stores.tables import calls, contents

_BUSY_SECONDS = 5.0
_READERS = 4
_PAGE_BYTES = 8192
"""A call's content is some kilobytes: a page of the usual 4096 bytes would hold one, and much waste."""

_CHECKPOINT_PAGES = 2000
"""16 MB: index pages are written back once for many batches."""

_WAL_RESET_FIXED = (3, 51, 3)
"""Older versions can corrupt the file when two connections write or checkpoint at the same instant."""

_words = table("content_words", column("rowid"), column("words"))


class SqliteStore(SqlStore):
    """`sqlite:///path`: made for one machine; several processes may share the file."""

    def __init__(self, url: str, *, power_safe: bool = False) -> None:
        try:
            path = make_url(url).database
        except (ArgumentError, ValueError) as error:
            raise StoreError(f"{url!r} is not a URL", hint="use sqlite:///path/to/records.db") from error
        if not path or path == ":memory:":
            raise StoreError(f"{url!r} names no file", hint="use sqlite:///path/to/records.db")
        self._path = Path(path)
        writer = self._engine(
            1,
            "PRAGMA synchronous = " + ("FULL" if power_safe else "NORMAL"),
            f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        )
        # A reader never checkpoints: that is writing, and the writer's business.
        reader = self._engine(_READERS, "PRAGMA query_only = ON", "PRAGMA wal_autocheckpoint = 0")
        event.listen(writer, "begin", _begin_immediate)
        super().__init__(str(self._path), writer, reader)
        self._insert_call = str(insert(calls).compile(writer))
        self._insert_content = str(insert(contents).compile(writer))
        self._alone = sqlite3.sqlite_version_info >= _WAL_RESET_FIXED

    def _engine(self, connections: int, *pragmas: str) -> Engine:
        engine = create_engine(
            f"sqlite:///{self._path}",
            connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_BUSY_SECONDS,
        )

        def prepare(connection: Any, _: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            _use_wal(cursor)
            for pragma in pragmas:
                cursor.execute(pragma)
            cursor.close()

        def make_file(*_: object) -> None:
            # What was said is in it: nobody else may read it. SQLite gives its other files the same mode.
            # Only to make it: closing a descriptor of a database that is open drops SQLite's locks on it.
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

        event.listen(engine, "do_connect", make_file)
        event.listen(engine, "connect", prepare)
        return engine

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._alone:
            with self._writer.begin() as connection:
                yield connection
            return
        with self._writer_lock(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _writer_lock(self) -> Iterator[None]:
        """Keep other processes from writing while we do; a commit checkpoints, too, so that is covered."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{self._path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + _BUSY_SECONDS
            while not _locked(descriptor):
                if time.monotonic() > deadline:
                    raise StoreError(f"{self.name}: another process has been writing for {_BUSY_SECONDS:g} s")
                time.sleep(0.002)
            yield
        finally:
            os.close(descriptor)

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        # We alone may write by now, so the next numbers are ours.
        first = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) + 1 FROM calls").scalar_one()
        connection.exec_driver_sql(
            self._insert_call, [(seq, *call) for seq, (call, _) in enumerate(rows, first)]
        )
        said = [(seq, content) for seq, (_, content) in enumerate(rows, first) if content is not None]
        if said:
            connection.exec_driver_sql(self._insert_content, said)

    def _says(self, words: Sequence[str]) -> ColumnElement[bool]:
        # Words hold no quotes, and quoted they hold no operators either.
        match = text("content_words MATCH :match").bindparams(match=" ".join(f'"{word}"' for word in words))
        return contents.c.seq.in_(select(_words.c.rowid).where(match))

    def _pending(self, connection: Connection, limit: int) -> list[tuple[int, str]]:
        # Numbers are given out and committed in the same order here, so that one mark is enough.
        statement = (
            select(contents.c.seq, contents.c.document)
            .where(contents.c.seq > text("(SELECT up_to FROM words_indexed)"))
            .order_by(contents.c.seq)
            .limit(limit)
        )
        return [(seq, document) for seq, document in connection.execute(statement)]

    def _index(self, connection: Connection, entries: Sequence[tuple[int, list[str]]]) -> None:
        if not entries:
            return
        connection.exec_driver_sql(
            "INSERT INTO content_words (rowid, words) VALUES (?, ?)",
            [(seq, " ".join(words)) for seq, words in entries],
        )
        connection.execute(text("UPDATE words_indexed SET up_to = :seq"), {"seq": entries[-1][0]})

    def _lock_schema(self, connection: Connection) -> None:
        """The transaction has the only right to write already."""

    def _is_lasting(self, error: BaseException) -> bool:
        return isinstance(error, DataError | InterfaceError | ProgrammingError | OverflowError | UnicodeError)


def _use_wal(cursor: sqlite3.Cursor) -> None:
    # The one thing for which SQLite does not wait by itself: two processes that open a new file together.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _begin_immediate(connection: Connection) -> None:
    # Taking the right to write at once, rather than at the first write, means never to fail half-way.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
