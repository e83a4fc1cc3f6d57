"""The tables, and how a record becomes a row.

`calls` has a column for whatever is searched, filtered or summed, beside the whole record as one document;
`contents` is a table of its own because it is kept for another time than the metadata. The two share `seq`,
a number that the store gives out when a call is added: one index less to keep up for each call.
"""

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from seawall.core.ports import ApiKey
from seawall.core.record import Content, Record

metadata = MetaData()

_counting = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for the exact type INTEGER."""

calls = Table(
    "calls",
    metadata,
    Column("seq", _counting, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Float(53), nullable=False),
    Column("feature", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("request_type", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("served_model", Text, nullable=False),
    Column("error_code", Text, nullable=False),
    Column("streamed", Boolean, nullable=False),
    Column("total_us", BigInteger, nullable=False),
    Column("first_event_us", BigInteger, nullable=False),
    Column("overhead_us", BigInteger, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cost_nano", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index("calls_at", "at"),
    Index("calls_feature_at", "feature", "at"),
    Index("calls_outcome_at", "outcome", "at"),
    Index("calls_tenant_at", "tenant", "at"),
)

contents = Table(
    "contents",
    metadata,
    Column("seq", _counting, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("features", Text),
    Column("admin", Boolean, nullable=False),
    Column("expires", Float(53)),
    Column("revoked", Float(53)),
)

CallRow = tuple[str | float | int | None, ...]

_encode = msgspec.json.Encoder().encode
_record_of = msgspec.json.Decoder(Record).decode
_content_of = msgspec.json.Decoder(Content).decode


def call_row(record: Record) -> CallRow:
    """The values of `calls`, in the order of its columns, without `seq`."""
    usage = record.usage
    return (
        record.id,
        record.at,
        record.feature,
        record.outcome,
        record.tenant,
        record.key_id,
        record.request_type,
        record.target,
        record.served_model,
        record.error_code,
        record.streamed,
        record.total_us,
        record.first_event_us,
        record.overhead_us,
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        record.cost_nano,
        len(record.attempts),
        record.digest,
        _encode(record).decode(),
    )


def content_document(content: Content) -> str:
    """What `contents` holds of a call."""
    return _encode(content).decode()


def record_of(document: str) -> Record:
    """The record in a document of `calls`; raises `msgspec.MsgspecError`."""
    return _record_of(document)


def content_of(document: str) -> Content:
    """The content in a document of `contents`; raises `msgspec.MsgspecError`."""
    return _content_of(document)


def key_row(key: ApiKey) -> dict[str, object]:
    """The values of `api_keys`, by column."""
    row: dict[str, object] = msgspec.structs.asdict(key)
    row["features"] = None if key.features is None else _encode(key.features).decode()
    return row


def key_of(row: dict[str, object]) -> ApiKey:
    """The key in a row of `api_keys`; raises `msgspec.MsgspecError`."""
    features = row["features"]
    if isinstance(features, str):
        row["features"] = msgspec.json.decode(features, type=tuple[str, ...])
    return msgspec.convert({str(name): value for name, value in row.items()}, ApiKey)
