"""The store in PostgreSQL, through pg8000; batches go in by COPY."""

import json
from collections.abc import Sequence
from typing import Any

from pg8000.dbapi import DatabaseError as ServerError
from pg8000.dbapi import InterfaceError as LinkError
from sqlalchemy import ColumnElement, Connection, create_engine, literal, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.types import Text

from seawall.core.errors import StoreError
from seawall.plugins.stores.sql import Row, SqlStore
from seawall.plugins.stores.tables import calls, contents

_ANSWER_SECONDS = 30
_CONNECTIONS = 5
_SCHEMA_LOCK = 7_305_808_869
"""Any number, as long as it is always the same."""

_UNIQUE_VIOLATION = "23505"
_LASTING_CLASSES = ("22", "23")
"""Bad data, broken constraints."""

_NUMBERS = text("SELECT nextval('calls_seq_seq') FROM generate_series(1, :count)")
_INDEX = text(
    "UPDATE contents SET words = entry.words"
    " FROM json_to_recordset(CAST(:entries AS json)) AS entry (seq bigint, words text[])"
    " WHERE contents.seq = entry.seq"
)

_words: ColumnElement[Sequence[str]] = literal_column("contents.words", ARRAY(Text))
_escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


class PostgresStore(SqlStore):
    """`postgresql://user:password@host/database`: any number of replicas share it."""

    def __init__(self, url: str) -> None:
        address = _address(url)
        engine = create_engine(
            address,
            connect_args={"timeout": _ANSWER_SECONDS},
            pool_size=_CONNECTIONS,
            pool_pre_ping=True,
        )
        super().__init__(address.render_as_string(hide_password=True), engine, engine)

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        numbers = connection.execute(_NUMBERS, {"count": len(rows)}).scalars().all()
        numbered = list(zip(numbers, rows, strict=True))
        lines = [_line((seq, *call)) for seq, (call, _) in numbered]
        _copy(connection, f"COPY calls ({', '.join(calls.c.keys())}) FROM STDIN", lines)
        said = [_line((seq, document)) for seq, (_, document) in numbered if document is not None]
        _copy(connection, "COPY contents (seq, document) FROM STDIN", said)

    def _says(self, words: Sequence[str]) -> ColumnElement[bool]:
        return _words.op("@>")(literal(list(words), ARRAY(Text)))

    def _pending(self, connection: Connection, limit: int) -> list[tuple[int, str]]:
        statement = (
            select(contents.c.seq, contents.c.document)
            .where(_words.is_(None))
            .order_by(contents.c.seq)
            .limit(limit)
        )
        return [(seq, document) for seq, document in connection.execute(statement)]

    def _index(self, connection: Connection, entries: Sequence[tuple[int, list[str]]]) -> None:
        documents = [{"seq": seq, "words": words} for seq, words in entries]
        connection.execute(_INDEX, {"entries": json.dumps(documents)})

    def _lock_schema(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})

    def _is_lasting(self, error: BaseException) -> bool:
        return isinstance(error, UnicodeError | OverflowError) or _code(error)[:2] in _LASTING_CLASSES


def _address(url: str) -> URL:
    """The URL as SQLAlchemy and pg8000 want it; `?host=/folder` means a Unix socket, as everywhere else."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            f"{url.partition('@')[2] or url!r} is not a URL of a database",
            hint="use postgresql://user:password@host/database",
        ) from None  # which would show the password
    address = address.set(drivername="postgresql+pg8000")
    folder = address.query.get("host")
    if isinstance(folder, str) and folder.startswith("/"):
        socket = f"{folder}/.s.PGSQL.{address.port or 5432}"
        address = address.difference_update_query(["host"]).update_query_dict({"unix_sock": socket})
    return address


def _copy(connection: Connection, statement: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    # One message with everything: from a file, the driver would send it in pieces of 8 KB.
    stream = ["".join(lines).encode()]
    cursor: Any = connection.connection.cursor()  # COPY is beyond what SQLAlchemy knows of cursors
    try:
        cursor.execute(statement, stream=stream)
    except ServerError as error:
        # SQLAlchemy is not between us and the driver here, so its words for the error are ours to find.
        if _code(error) == _UNIQUE_VIOLATION:
            raise IntegrityError(statement, None, error) from error
        raise DBAPIError(statement, None, error) from error
    except LinkError as error:
        connection.invalidate(error)
        raise OperationalError(statement, None, error) from error
    except OSError as error:
        connection.invalidate(error)
        raise
    finally:
        cursor.close()


def _line(values: Sequence[object]) -> str:
    """One line of COPY's text format; the last value is a JSON document."""
    *fields, document = values
    # JSON holds no control characters, so one replacement does what takes several anywhere else.
    return "\t".join([*map(_field, fields), str(document).replace("\\", "\\\\")]) + "\n"


def _field(value: object) -> str:
    if isinstance(value, str):
        return value if value.isalnum() else value.translate(_escapes)
    return "\\N" if value is None else str(value)


def _code(error: BaseException) -> str:
    """PostgreSQL's five-letter code; empty when the server did not say."""
    cause = getattr(error, "orig", None) or error
    fields = cause.args[0] if cause.args else None
    return str(fields.get("C", "")) if isinstance(fields, dict) else ""
