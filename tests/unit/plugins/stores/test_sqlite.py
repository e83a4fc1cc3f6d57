"""What is particular to SQLite."""

import sqlite3
import stat
from pathlib import Path

import pytest

from seawall.core.errors import StoreError
from seawall.core.ports import CallQuery
from seawall.plugins.stores import sqlite
from seawall.plugins.stores.sqlite import SqliteStore

from tests.support.recorded import content, record


def opened(folder: Path, *, power_safe: bool = False) -> SqliteStore:
    store = SqliteStore(f"sqlite:///{folder}/deep/records.db", power_safe=power_safe)
    store.migrate()
    return store


def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_calls([(record(), content())])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep").iterdir()}
    store.close()
    assert modes.keys() >= {"records.db", "records.db-wal"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(("power_safe", "synchronous"), [(False, 1), (True, 2)])
def test_a_commit_waits_for_the_disk_only_where_it_must_survive_a_loss_of_power(
    tmp_path: Path, power_safe: bool, synchronous: int
) -> None:
    store = opened(tmp_path, power_safe=power_safe)
    with store._writer.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA page_size").scalar() == 8192
    store.close()


def test_readers_go_on_while_somebody_writes(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_calls([(record(1), None)])
    with store._writing() as connection:
        connection.exec_driver_sql("DELETE FROM calls")
        assert [each.id for each in store.find_calls(CallQuery())] == ["call-1"]
    store.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with store._reader.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM calls")
    store.close()


@pytest.mark.parametrize("alone", [True, False])
def test_a_file_that_somebody_else_keeps_locked_is_an_error_to_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.05)
    monkeypatch.setattr(sqlite, "_WAL_RESET_FIXED", (0,) if alone else (99,))
    holder, store = opened(tmp_path), opened(tmp_path)
    with holder._writing():
        with pytest.raises(StoreError) as caught:
            store.add_calls([(record(1), None)])
        assert caught.value.retryable
    store.add_calls([(record(1), None)])
    assert len(store.find_calls(CallQuery())) == 1
    holder.close()
    store.close()


def test_a_full_disk_is_an_error_to_retry_and_what_was_kept_stays(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_calls([(record(1), content())])
    with store._writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full") as caught:
        store.add_calls([(record(number), content("x" * 9000)) for number in range(2, 9)])
    assert caught.value.retryable
    assert [each.id for each in store.find_calls(CallQuery())] == ["call-1"]
    with store._writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    store.add_calls([(record(2), content())])  # space came back: no restart was needed
    assert len(store.find_calls(CallQuery())) == 2
    store.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    file.write_bytes(b"not a database at all" * 1000)
    store = SqliteStore(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="not a database"):
        store.migrate()
    store.close()
    assert file.read_bytes().startswith(b"not a database")


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SqliteStore(f"sqlite:///{tmp_path}/file/records.db")
    with pytest.raises(StoreError, match="cannot"):
        store.migrate()
    store.close()


def test_the_index_of_words_keeps_no_copy_of_the_text(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add_calls([(record(1), content("Unmistakable"))])
    store.index_pending(10)
    store.close()
    connection = sqlite3.connect(tmp_path / "deep" / "records.db")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    held = [
        table
        for table in tables - {"content_words"}
        if any(
            b"nmistakable" in str(row).lower().encode()
            for row in connection.execute(f"SELECT * FROM {table}")
        )
    ]
    connection.close()
    assert "content_words_content" not in tables
    assert sorted(held) == ["content_words_data", "contents"]  # as a word among words, and as it was said
