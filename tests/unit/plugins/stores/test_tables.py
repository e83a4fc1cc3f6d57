"""Records and keys as rows."""

import msgspec
import pytest

from seawall.core.ports import ApiKey
from seawall.plugins.stores.tables import call_row, calls, key_of, key_row, record_of

from tests.support.recorded import record


def test_a_row_has_a_value_for_each_column_and_ends_with_the_whole_record() -> None:
    row = dict(zip(calls.columns.keys()[1:], call_row(record(3)), strict=True))
    assert row["id"] == "call-3"
    assert row["input_tokens"] == 12
    assert row["attempts"] == 1
    assert row["cost_nano"] == 5_600
    assert record_of(str(row["document"])) == record(3)


@pytest.mark.parametrize("features", [None, (), ("a", "b")])
def test_a_key_for_no_feature_and_one_for_all_are_not_confused(features: tuple[str, ...] | None) -> None:
    key = ApiKey("k", b"d", "t", "n", 1.0, features=features)
    assert key_of(key_row(key)) == key


def test_a_field_of_a_later_version_does_not_hinder_reading() -> None:
    document = msgspec.json.decode(call_row(record())[-1])
    assert record_of(msgspec.json.encode({**document, "later": 1}).decode()) == record()
