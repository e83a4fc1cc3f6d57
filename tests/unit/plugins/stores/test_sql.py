"""What a failure of the driver says."""

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from seawall.plugins.stores.sql import _reason


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (sqlite3.OperationalError("database is\n locked"), "database is locked"),
        ({"S": "ERROR", "C": "22001", "M": "value too long"}, "value too long"),
        (ConnectionRefusedError(111, "Connection refused"), "111"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_it_is_one_line_in_the_words_of_the_driver_without_the_statement(cause: object, reason: str) -> None:
    origin = cause if isinstance(cause, BaseException) else Exception(cause)
    error = OperationalError("INSERT secret", {"content": "secret"}, origin)
    assert _reason(error) == reason
