"""What every store does, run over SQLite and PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import seawall.plugins.stores
from seawall.core.accumulate import Answer, Choice
from seawall.core.errors import StoreError
from seawall.core.messages import Media, Message, Reasoning, Text, ToolCall, ToolResult
from seawall.core.ports import ApiKey, CallQuery, StoredCall
from seawall.core.record import Content
from seawall.core.request import ChatRequest
from seawall.plugins.stores import open_store
from seawall.plugins.stores.schema import HEAD
from seawall.plugins.stores.sql import SqlStore
from seawall.plugins.stores.tables import metadata

from tests.support.postgres import postgres
from tests.support.recorded import START, content, record

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    store = open_store(url)
    store.migrate()
    yield store
    store.close()


def ids(store: SqlStore, **conditions: object) -> list[str]:
    return [each.id for each in store.find_calls(CallQuery(**conditions))]  # type: ignore[arg-type]


# --- schema


def test_migrating_makes_exactly_the_tables_that_the_queries_know(store: SqlStore) -> None:
    store.migrate()  # a second time changes nothing
    with store._reader.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables},
        )
        different = [
            change
            for change in compare_metadata(context, metadata)
            if change[0] not in ("remove_index", "remove_column")  # the index of words is beyond SQLAlchemy
        ]
    assert different == []


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    folder = Path(seawall.plugins.stores.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD


def test_a_schema_of_a_newer_version_is_refused_and_left_alone(store: SqlStore) -> None:
    with store._writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="schema '9999', which is newer than this version"):
        store.migrate()
    with store._reader.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_processes_that_migrate_at_the_same_time_all_succeed(url: str) -> None:
    failures: list[BaseException] = []

    def migrate() -> None:
        store = open_store(url)
        try:
            store.migrate()
        except StoreError as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


_KILLED = """
import os, signal, sys
from sqlalchemy import event
from seawall.plugins.stores import open_store
store = open_store(sys.argv[1])
event.listen(store._writer, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
store.migrate()
"""


def test_a_migration_killed_before_its_end_is_done_again(url: str) -> None:
    folder = Path(seawall.plugins.stores.__file__).parents[3]
    child = subprocess.run(
        [sys.executable, "-c", _KILLED, url], env={**os.environ, "PYTHONPATH": str(folder)}, check=False
    )
    assert child.returncode == -signal.SIGKILL
    store = open_store(url)
    store.migrate()
    store.add_calls([(record(), content())])
    assert ids(store) == ["call-0"]
    store.close()


# --- calls


def everything() -> Content:
    return Content(
        asked=ChatRequest(
            "support",
            (
                Message("system", (Text("tab\there, back\\slash \\N \\. and \x00 nul"),)),
                Message("user", (Text('"quotes" \r\n', logprobs=({"token": "x"},)), Media("image", url="u"))),
                Message("assistant", (Reasoning("hm", "sig"), ToolCall("c1", "look", '{"a": 1}'))),
                Message("tool", (ToolResult("c1", (Text("parcel 42"),)),)),
            ),
            extras={"seed": 1.5, "deep": [None, True, {"ключ": "значение 🚚"}]},
        ),
        answer=Answer("a", "m", 1, (Choice(Message("assistant", (Text("done"),)), "stop"),)),
    )


def test_a_call_is_read_back_as_it_was(store: SqlStore) -> None:
    odd = record(1, error_message="back\\slash\ttab\nline", error_code="bad_request", served_model="m\x00n")
    plain = record(2, usage=None, cost_nano=None, attempts=(), tenant="", streamed=False)
    store.add_calls([(odd, everything()), (plain, None)])
    assert store.get_call("call-1") == StoredCall(odd, everything())
    assert store.get_call("call-2") == StoredCall(plain, None)
    assert store.get_call("call-3") is None
    assert store.find_calls(CallQuery()) == [plain, odd]


def test_a_call_that_is_there_already_is_left_as_it_is(store: SqlStore) -> None:
    store.add_calls([(record(1), content("first"))])
    store.add_calls([(record(1, outcome="cancelled"), content("second")), (record(2), None)])
    store.add_calls([(record(1), content("third"))])
    store.add_calls([(record(3), content("x")), (record(3, feature="other"), None)])
    kept = store.get_call("call-1")
    assert kept == StoredCall(record(1), content("first"))
    assert ids(store) == ["call-3", "call-2", "call-1"]
    assert store.find_calls(CallQuery())[0].feature == "support"


def test_nothing_of_a_batch_is_kept_when_a_call_in_it_cannot_be(store: SqlStore) -> None:
    broken = Content(asked=ChatRequest("m", (Message("user", (Text("\ud800"),)),)))
    with pytest.raises(StoreError) as caught:
        store.add_calls([(record(1), content()), (record(2), broken)])
    assert not caught.value.retryable
    assert ids(store) == []


def test_an_empty_batch_is_nothing(store: SqlStore) -> None:
    store.add_calls([])
    assert ids(store) == []


def test_writers_that_add_the_same_calls_at_the_same_time_leave_each_once(store: SqlStore, url: str) -> None:
    calls = [(record(number), content()) for number in range(60)]
    other = open_store(url)
    failures: list[BaseException] = []

    def add(target: SqlStore, start: int) -> None:
        try:
            for at in range(start, start + 40, 10):
                target.add_calls(calls[at : at + 10])
        except StoreError as error:
            failures.append(error)

    threads = [threading.Thread(target=add, args=pair) for pair in ((store, 0), (other, 20), (other, 0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert failures == []
    assert sorted(ids(store, limit=100)) == sorted(each.id for each, _ in calls)


CONDITIONS: list[tuple[dict[str, object], list[int]]] = [
    ({}, [4, 3, 2, 1, 0]),
    ({"limit": 2}, [4, 3]),
    ({"since": START + 3}, [4, 3]),
    ({"until": START + 2}, [1, 0]),
    ({"since": START + 1, "until": START + 3}, [2, 1]),
    ({"feature": "search"}, [1]),
    ({"outcome": "cancelled"}, [2]),
    ({"tenant": "beta"}, [3]),
    ({"key_id": "k-9"}, [4]),
    ({"model": "gpt-2"}, [0]),
    ({"feature": "support", "outcome": "ok"}, [4, 3, 0]),
    ({"feature": "' OR 1=1 --"}, []),
    ({"feature": "%"}, []),
    ({"text": "parcel", "tenant": "beta"}, [3]),
]


def test_every_condition_that_is_set_must_hold(store: SqlStore) -> None:
    changes: list[dict[str, object]] = [
        {"served_model": "gpt-2"},
        {"feature": "search"},
        {"outcome": "cancelled"},
        {"tenant": "beta"},
        {"key_id": "k-9"},
    ]
    store.add_calls([(record(number, **change), content()) for number, change in enumerate(changes)])
    for conditions, expected in CONDITIONS:
        assert ids(store, **conditions) == [f"call-{number}" for number in expected], conditions


def test_paging_meets_each_call_once_even_where_many_have_the_same_time(store: SqlStore) -> None:
    store.add_calls([(record(number, at=START + number // 4), None) for number in range(10)])
    met: list[str] = []
    before: tuple[float, str] | None = None
    while page := store.find_calls(CallQuery(limit=3, before=before)):
        met += [each.id for each in page]
        before = (page[-1].at, page[-1].id)
    assert met == ids(store)
    assert len(met) == len(set(met)) == 10


def test_a_call_is_not_found_on_behalf_of_another_tenant(store: SqlStore) -> None:
    store.add_calls([(record(1), content())])
    assert store.get_call("call-1", tenant="acme") is not None
    assert store.get_call("call-1", tenant="beta") is None


# --- text


WORDS = [
    ("parcel", True),
    ("PARCEL", True),
    ("way parcel", True),  # of the question and of the answer, in any order
    ("parcel found", False),
    ("parc", False),  # a part of a word is not a word
    ("parcel%", True),
    ("p%l", False),  # no wildcard
    ("p_rcel", False),
    ("100%", True),
    ("order_id", True),
    ("straße STRASSE", True),
    ("café", True),
    ("東京", True),
    ("京都", False),
    ('"parcel" AND', False),
    ("NOT parcel", False),
    ("lookup 4711 refund", True),  # the tool's name, its arguments, its result
    ("fenced", True),  # only the model saw it
    ("'; DROP TABLE calls", False),
    ("%", False),
    (" ", False),
]


def test_text_is_found_by_all_of_its_words_and_nothing_else(store: SqlStore) -> None:
    said = Content(
        asked=ChatRequest("m", (Message("user", (Text("Parcel, 100% lost? order_id Straße cafe\u0301"),)),)),
        prompted=ChatRequest(
            "m",
            (
                Message("system", (Text("fenced 東京に"),)),
                Message("assistant", (ToolCall("1", "lookup", '{"id": 4711}'),)),
                Message("tool", (ToolResult("1", (Text("refund"), Media("image", url="u"))),)),
            ),
        ),
        answer=content().answer,
    )
    store.add_calls([(record(1), said), (record(2), None), (record(3), content("nothing of it", "at all"))])
    for words, found in WORDS:
        assert ids(store, text=words) == (["call-1"] if found else []), words


def test_what_nobody_indexed_yet_is_found_all_the_same(store: SqlStore) -> None:
    store.add_calls([(record(number), content(f"word{number}")) for number in range(7)])
    assert store.index_pending(5) == 5
    store.add_calls([(record(9), content("word9"))])
    assert ids(store, text="word9") == ["call-9"]
    assert ids(store, text="word6") == ["call-6"]
    assert ids(store, text="word0") == ["call-0"]
    assert store.index_pending(5) == 0


def test_a_very_long_word_is_no_reason_to_fail(store: SqlStore) -> None:
    store.add_calls([(record(1), content("x" * 50_000))])
    assert ids(store, text="x" * 50_000) == ["call-1"]


def test_a_broken_document_does_not_keep_others_from_being_found(store: SqlStore) -> None:
    store.add_calls([(record(1), content("good")), (record(2), content("bad"))])
    with store._writer.begin() as connection:
        connection.execute(text("UPDATE contents SET document = '{' WHERE document LIKE '%bad%'"))
    assert ids(store, text="good") == ["call-1"]
    with pytest.raises(StoreError, match="a document is broken"):
        store.get_call("call-2")


# --- keys


def key(number: int, **changes: object) -> ApiKey:
    made = ApiKey(f"k-{number}", bytes([number]) * 32, "acme", "for tests", START + number)
    return msgspec.structs.replace(made, **changes)


def test_keys_are_read_back_as_they_were_oldest_first(store: SqlStore) -> None:
    made = [
        key(1, features=("a", "b"), admin=True, expires=START + 100),
        key(2, features=()),
        key(3, tenant="b", name="é"),
    ]
    for each in reversed(made):
        store.add_key(each)
    assert store.list_keys() == made


def test_a_key_is_revoked_once(store: SqlStore) -> None:
    store.add_key(key(1))
    assert store.revoke_key("k-1", START + 5)
    assert not store.revoke_key("k-1", START + 6)
    assert not store.revoke_key("k-2", START + 6)
    assert store.list_keys() == [key(1, revoked=START + 5)]


@pytest.mark.parametrize("second", [key(1, digest=b"x"), key(2, digest=bytes([1]) * 32)])
def test_a_second_key_with_the_same_id_or_digest_is_refused(store: SqlStore, second: ApiKey) -> None:
    store.add_key(key(1))
    with pytest.raises(StoreError, match="cannot keep key"):
        store.add_key(second)
    assert store.list_keys() == [key(1)]


# --- failures


def test_whatever_the_driver_raises_is_a_store_error_with_its_cause_and_without_content(url: str) -> None:
    store = open_store(url)  # never migrated: no table is there
    for attempt in (
        lambda: store.add_calls([(record(), content("a secret"))]),
        lambda: store.find_calls(CallQuery()),
        lambda: store.find_calls(CallQuery(text="a")),
        lambda: store.get_call("x"),
        lambda: store.add_key(key(1)),
        lambda: store.revoke_key("x", 1.0),
        store.list_keys,
    ):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert caught.value.__cause__ is not None
        assert "secret" not in str(caught.value)
    store.close()
