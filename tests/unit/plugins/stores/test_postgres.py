"""What is particular to PostgreSQL."""

import pytest
from sqlalchemy import text

from seawall.core.errors import StoreError
from seawall.core.ports import CallQuery
from seawall.plugins.stores import open_store
from seawall.plugins.stores.postgres import _address, _line

from tests.support.postgres import Postgres, postgres
from tests.support.recorded import content, record

__all__ = ["postgres"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:5/d", "postgresql+pg8000://u:p@h:5/d"),
        ("postgres://u@h/d", "postgresql+pg8000://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+pg8000://u@h/d"),
        ("postgresql://u@/d?host=/run/pg", "postgresql+pg8000://u@/d?unix_sock=%2Frun%2Fpg%2F.s.PGSQL.5432"),
    ],
)
def test_addresses_are_taken_as_everybody_writes_them(url: str, expected: str) -> None:
    assert _address(url).render_as_string(hide_password=False) == expected


def test_what_is_no_url_is_refused_without_its_password() -> None:
    with pytest.raises(StoreError) as caught:
        _address("postgresql://u:geheim@h:port/d")
    assert "geheim" not in str(caught.value)


def test_a_line_of_copy_escapes_whatever_would_end_a_field_or_a_line() -> None:
    row = ("a\tb\nc\\d\re\0", None, 1.5, True, '{"x":"\\n"}')
    assert _line(row) == 'a\\tb\\nc\\\\d\\re\t\\N\t1.5\tTrue\t{"x":"\\\\n"}\n'


def test_connections_that_the_server_closed_meanwhile_are_replaced(postgres: Postgres) -> None:
    store = open_store(postgres.new_database())
    store.migrate()
    store.add_calls([(record(1), content())])
    with store._reader.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        store.add_calls([(record(2), content())])
    assert [each.id for each in store.find_calls(CallQuery())] == ["call-2", "call-1"]
    store.close()


def test_a_value_the_server_will_never_take_is_not_worth_a_retry(postgres: Postgres) -> None:
    store = open_store(postgres.new_database())
    store.migrate()
    with pytest.raises(StoreError, match="out of range") as caught:
        store.add_calls([(record(1), content()), (record(2, cost_nano=1 << 63), content())])
    assert not caught.value.retryable
    assert store.find_calls(CallQuery()) == []
    store.close()
