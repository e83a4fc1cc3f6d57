"""The store on SQL: everything SQLite and PostgreSQL have in common."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Select, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from seawall.core.errors import StoreError
from seawall.core.ports import ApiKey, CallQuery, StoredCall
from seawall.core.record import Content, Record
from seawall.plugins.stores import schema
from seawall.plugins.stores.tables import (
    CallRow,
    api_keys,
    call_row,
    calls,
    content_document,
    content_of,
    contents,
    key_of,
    key_row,
    record_of,
)
from seawall.plugins.stores.words import words_of, words_said

_INDEX_BATCH = 500
_RACES = 5
"""Times another process may add the same calls between our look and our insert before we give up."""

_YIELD_AFTER = 50
"""Calls after which the interpreter is offered to other threads: one of them is serving calls, and would
otherwise have to wait for all of a batch."""

Row = tuple[CallRow, str | None]
"""The values of `calls` without `seq` (the id comes first), and the document of `contents`."""


class SqlStore(ABC):
    """Implements `seawall.core.ports.Store` on two engines: one that writes, one that reads."""

    def __init__(self, name: str, writer: Engine, reader: Engine) -> None:
        self.name = name
        """Where the store is, without the password."""
        self._writer = writer
        self._reader = reader

    def migrate(self) -> None:
        """Bring the schema to this version; refuse a newer one. All or nothing, whenever it is killed."""
        with self._mapped("look up the schema"), self._reading() as connection:
            if schema.version_of(connection) == schema.HEAD:
                return
        with self._mapped("bring the schema up to date"), self._writing() as connection:
            self._lock_schema(connection)
            version = schema.version_of(connection)
            if version != schema.HEAD:
                schema.upgrade(connection, version)

    def add_calls(self, batch: Sequence[tuple[Record, Content | None]]) -> None:
        """Keep finished calls, all or none. A call that is already there (same id) is left as it is.

        The error's `retryable` is false when a call itself is what cannot be kept.
        """
        rows = self._rows(batch)
        with self._mapped("keep calls"):
            for _ in range(_RACES):
                if not rows:
                    return
                # Nearly always nothing is there yet: to look first would cost more than the insert.
                try:
                    with self._writing() as connection:
                        self._insert(connection, rows)
                        return
                except IntegrityError:
                    rows = self._without_known(rows)
        raise StoreError(f"{self.name}: other processes keep adding the same calls as this one")

    def find_calls(self, query: CallQuery) -> list[Record]:
        """Records that meet *query*, newest first. Text that nobody indexed yet is indexed first."""
        words = words_of(query.text)
        if query.text and not words:
            return []
        if words:
            while self.index_pending(_INDEX_BATCH) == _INDEX_BATCH:
                pass
        statement: Select[Any] = _wanted(query)
        if words:
            statement = statement.where(self._says(sorted(words)))
        with self._mapped("search calls"), self._reading() as connection:
            return [record_of(document) for document in connection.execute(statement).scalars()]

    def get_call(self, call_id: str, tenant: str = "") -> StoredCall | None:
        """One call by its id; of *tenant* only, when that is given."""
        statement = (
            select(calls.c.document, contents.c.document)
            .outerjoin(contents, contents.c.seq == calls.c.seq)
            .where(calls.c.id == call_id)
        )
        if tenant:
            statement = statement.where(calls.c.tenant == tenant)
        with self._mapped(f"read call {call_id!r}"), self._reading() as connection:
            row = connection.execute(statement).first()
            if row is None:
                return None
            return StoredCall(record_of(row[0]), None if row[1] is None else content_of(row[1]))

    def index_pending(self, limit: int) -> int:
        """Index the words of at most *limit* calls that were added since; how many there were.

        Adding calls leaves this out because it costs more than everything else about a call; it is meant
        for a moment when there is nothing better to do, and is caught up on when somebody searches.
        """
        with self._mapped("index what was said"):
            with self._reading() as connection:
                if not self._pending(connection, 1):
                    return 0
            with self._writing() as connection:
                pending = self._pending(connection, limit)
                self._index(connection, [(seq, _words_in(document)) for seq, document in pending])
                return len(pending)

    def add_key(self, key: ApiKey) -> None:
        """Keep a key. Raises `StoreError` when its id or digest is there already."""
        with self._mapped(f"keep key {key.id!r}"), self._writing() as connection:
            connection.execute(insert(api_keys), key_row(key))

    def revoke_key(self, key_id: str, at: float) -> bool:
        """Whether there was such a key, not revoked before."""
        statement = (
            update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked.is_(None)).values(revoked=at)
        )
        with self._mapped(f"revoke key {key_id!r}"), self._writing() as connection:
            return connection.execute(statement).rowcount == 1

    def list_keys(self) -> list[ApiKey]:
        """All keys, oldest first, those revoked or expired as well."""
        statement = select(api_keys).order_by(api_keys.c.created, api_keys.c.id)
        with self._mapped("list keys"), self._reading() as connection:
            return [key_of(dict(row)) for row in connection.execute(statement).mappings()]

    def close(self) -> None:
        """Give the connections back."""
        with self._mapped("close"):
            self._reader.dispose()
            self._writer.dispose()

    @abstractmethod
    def _insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert *rows*; raises `IntegrityError` when one is there already."""

    @abstractmethod
    def _says(self, words: Sequence[str]) -> ColumnElement[bool]:
        """The condition that a row of `contents` has all of *words*."""

    @abstractmethod
    def _pending(self, connection: Connection, limit: int) -> list[tuple[int, str]]:
        """Number and document of contents whose words are not indexed, oldest first."""

    @abstractmethod
    def _index(self, connection: Connection, entries: Sequence[tuple[int, list[str]]]) -> None:
        """Index the words of contents, by number."""

    @abstractmethod
    def _lock_schema(self, connection: Connection) -> None:
        """Keep every other process from migrating until the transaction is over."""

    @abstractmethod
    def _is_lasting(self, error: BaseException) -> bool:
        """Whether the same statement would fail again, whenever it is repeated."""

    def _writing(self) -> AbstractContextManager[Connection]:
        """A transaction that writes."""
        return self._writer.begin()

    def _reading(self) -> AbstractContextManager[Connection]:
        """A connection to read on."""
        return self._reader.connect()

    def _rows(self, batch: Sequence[tuple[Record, Content | None]]) -> list[Row]:
        rows: dict[str, Row] = {}
        try:
            for number, (record, content) in enumerate(batch, 1):
                document = None if content is None else content_document(content)
                rows.setdefault(record.id, (call_row(record), document))
                if number % _YIELD_AFTER == 0:
                    time.sleep(0)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise _lasting(StoreError(f"a call of the batch has no JSON form: {error}")) from error
        return list(rows.values())

    def _without_known(self, rows: Sequence[Row]) -> list[Row]:
        ids = [row[0][0] for row in rows]
        with self._reading() as connection:
            known = set(connection.execute(select(calls.c.id).where(calls.c.id.in_(ids))).scalars())
        return [row for row in rows if row[0][0] not in known]

    @contextmanager
    def _mapped(self, doing: str) -> Iterator[None]:
        """Whatever drivers raise comes out as `StoreError`."""
        try:
            yield
        except msgspec.MsgspecError as error:
            raise _lasting(
                StoreError(f"{self.name}: cannot {doing}: a document is broken: {error}")
            ) from error
        except (SQLAlchemyError, OSError, OverflowError, UnicodeError) as error:
            failure = StoreError(f"{self.name}: cannot {doing}: {_reason(error)}")
            raise (_lasting(failure) if self._is_lasting(error) else failure) from error


def _wanted(query: CallQuery) -> Select[Any]:
    columns = calls.c
    statement = select(columns.document).order_by(columns.at.desc(), columns.id.desc()).limit(query.limit)
    if query.text:
        statement = statement.join(contents, contents.c.seq == columns.seq)
    if query.since is not None:
        statement = statement.where(columns.at >= query.since)
    if query.until is not None:
        statement = statement.where(columns.at < query.until)
    if query.before is not None:
        at, call_id = query.before
        statement = statement.where(columns.at <= at, tuple_(columns.at, columns.id) < (at, call_id))
    exact = (
        (columns.feature, query.feature),
        (columns.outcome, query.outcome),
        (columns.tenant, query.tenant),
        (columns.key_id, query.key_id),
        (columns.served_model, query.model),
    )
    return statement.where(*(column == value for column, value in exact if value))


def _words_in(document: str) -> list[str]:
    try:
        return sorted(words_said(content_of(document)))
    except msgspec.MsgspecError:
        return []  # a broken one is found when it is read; all others are still to be searched


def _lasting(error: StoreError) -> StoreError:
    error.retryable = False
    return error


def _reason(error: BaseException) -> str:
    """One line: what the driver said, without the statement and its parameters, which may be content."""
    cause: Any = getattr(error, "orig", None) or error
    first = cause.args[0] if cause.args else type(cause).__name__
    if isinstance(first, dict):  # pg8000 hands over the fields of the server's message
        first = first.get("M", first)
    return " ".join(str(first).split())[:300]
