"""`seawall records`: found, shown, followed, and harmless on a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.lookup import as_json, one_line
from seawall.cli.records import follow, records
from seawall.core.ports import CallQuery
from seawall.plugins.stores import open_store
from seawall.testing import FakeClock

from tests.support.recorded import START, content, record


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/records.db"
    store = open_store(url)
    store.migrate()
    store.add_calls(
        [
            (record(1), content()),
            (record(2, feature="search", outcome="cancelled", usage=None, cost_nano=None), None),
            (record(3, served_model="\x1b]52;c;ZXZpbA==\x07[bold]gpt"), content("\x1b[2Jwhere \u202eis it")),
        ]
    )
    store.close()
    return url


def run(*args: str) -> Result:
    return CliRunner().invoke(records, args)


def test_calls_are_listed_newest_first_with_what_one_wants_to_know(url: str) -> None:
    done = run("search", "--store", url)
    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines() if "call-" in line]
    assert [row[0] for row in rows] == ["call-3", "call-2", "call-1"]
    assert rows[2][3:] == ["support", "ok", "gpt-1", "120", "12+34", "$0.000006"]
    assert rows[1][3:] == ["search", "cancelled", "gpt-1", "120", "-", "-"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["--feature", "search"], ["call-2"]),
        (["--outcome", "ok", "--limit", "1"], ["call-3"]),
        (["--model", "gpt-1", "--outcome", "ok"], ["call-1"]),
        (["--text", "PARCEL where"], ["call-1"]),
        (["--tenant", "nobody"], []),
        (["--since", "2020-01-01", "--until", "2021-01-01T12:00"], []),
        (["--since", "5200w"], ["call-3", "call-2", "call-1"]),
    ],
)
def test_conditions_narrow_the_list(url: str, conditions: list[str], expected: list[str]) -> None:
    done = run("search", "--store", url, "--json", *conditions)
    assert done.exit_code == 0
    assert [each["id"] for each in json.loads(done.stdout)] == expected
    assert ("no call meets these conditions" in done.stderr) == (not expected)


@pytest.mark.parametrize("wrong", [["--since", "yesterday"], ["--limit", "0"], ["--no-such-option"]])
def test_a_wrong_command_ends_with_2_and_says_how_to_write_it(url: str, wrong: list[str]) -> None:
    done = run("search", "--store", url, *wrong)
    assert done.exit_code == 2
    assert done.stderr


def test_nothing_that_a_model_or_a_user_wrote_reaches_the_terminal_raw(url: str) -> None:
    for args in (
        ["search"],
        ["search", "--json"],
        ["show", "call-3", "--content"],
        ["show", "call-3", "--json"],
    ):
        done = run(*args, "--store", url)
        assert done.exit_code == 0
        assert not set(done.output) & {"\x1b", "\x07", "\u202e", "\x9b"}
    assert "[bold]gpt" in run("search", "--store", url).stdout  # and is no markup either


def test_a_call_is_shown_with_its_content_only_when_asked(url: str) -> None:
    plain = run("show", "call-1", "--store", url, "--json")
    assert json.loads(plain.stdout) == {"record": json.loads(as_json(record(1)))}
    full = run("show", "call-1", "--store", url, "--json", "--content")
    assert (
        json.loads(full.stdout)["content"]["asked"]["messages"][0]["parts"][0]["text"] == "where is my parcel"
    )
    gone = run("show", "call-2", "--store", url, "--content")
    assert gone.exit_code == 0
    assert "is not kept" in gone.stderr


def test_a_call_that_is_not_there_ends_with_1(url: str) -> None:
    done = run("show", "call-9", "--store", url)
    assert done.exit_code == 1
    assert "there is no call 'call-9'" in done.stderr


def test_following_tells_each_new_call_once_in_order_and_none_of_the_old(url: str) -> None:
    clock = FakeClock(wall=START + 10)
    store = open_store(url)
    arriving = [[4, 5], [], [6]]

    def pause(seconds: float) -> None:
        clock.advance(seconds)
        if not arriving:
            raise KeyboardInterrupt
        store.add_calls([(record(number), None) for number in arriving.pop(0)])

    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        told.extend(each.id for each in follow(store, CallQuery(feature="support"), clock.wall, pause))
    store.close()
    assert told == ["call-4", "call-5", "call-6"]


@given(st.text())
def test_text_on_one_line_holds_no_control_character_and_json_still_means_the_same(text: str) -> None:
    unsafe = {
        chr(code) for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    }
    assert not set(one_line(text)) & unsafe
    assert not set(as_json(text)) & unsafe
    assert json.loads(as_json(text)) == text
