"""Which URL opens which store, and what is wrong with the others."""

import pytest

from seawall.core.errors import StoreError
from seawall.plugins.stores import open_store


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "no store is known for URLs that begin with 'mysql'"),
        ("", "no store is known"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_what_to_write_instead(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_store(url)
    assert "sqlite:///path/to/records.db" in caught.value.hint


def test_a_password_is_never_shown() -> None:
    store = open_store("postgresql://user:geheim@127.0.0.1:1/db")
    with pytest.raises(StoreError) as caught:
        store.migrate()
    assert "geheim" not in f"{store.name} {caught.value} {caught.value.hint}"
    assert caught.value.retryable
    store.close()
