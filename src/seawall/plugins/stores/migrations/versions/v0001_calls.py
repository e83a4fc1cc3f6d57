"""Calls, contents, keys, and the index of words."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_calls()
    _create_contents()
    _create_keys()
    if op.get_bind().dialect.name == "sqlite":
        _index_words_in_sqlite()
    else:
        _index_words_in_postgres()


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("feature", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("request_type", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("served_model", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("streamed", sa.Boolean, nullable=False),
        sa.Column("total_us", sa.BigInteger, nullable=False),
        sa.Column("first_event_us", sa.BigInteger, nullable=False),
        sa.Column("overhead_us", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cost_nano", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("calls_at", "calls", ["at"])
    for column in ("feature", "outcome", "tenant"):
        op.create_index(f"calls_{column}_at", "calls", [column, "at"])


def _create_contents() -> None:
    op.create_table(
        "contents",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created", sa.Float(53), nullable=False),
        sa.Column("features", sa.Text),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.Column("expires", sa.Float(53)),
        sa.Column("revoked", sa.Float(53)),
    )


def _index_words_in_sqlite() -> None:
    # No copy of the text is kept in the index, and no positions: it answers "which rows have all of these
    # words". The ascii tokenizer leaves what is not ASCII alone: folding was done before.
    op.execute(
        "CREATE VIRTUAL TABLE content_words USING fts5("
        "words, content='', columnsize=0, detail=none, tokenize=\"ascii tokenchars '_'\")"
    )
    op.execute("CREATE TABLE words_indexed (up_to INTEGER NOT NULL)")
    op.execute("INSERT INTO words_indexed VALUES (0)")


def _index_words_in_postgres() -> None:
    op.execute("ALTER TABLE contents ADD COLUMN words text[]")
    op.execute("CREATE INDEX contents_words ON contents USING gin (words)")
    op.execute("CREATE INDEX contents_not_indexed ON contents (seq) WHERE words IS NULL")
