"""What is particular to PostgreSQL."""

import pytest

from seawall.core.errors import StoreError
from seawall.plugins.stores.postgres import _address, _line


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
