"""`seawall demo` as a user starts it: it needs nothing, checks itself, and leaves nothing behind."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seawall.cli.main import main
from seawall.lifecycle.demo.workload import CYCLE, plan

from tests.wire.harness import Process, wait_until


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The project and the report of one demo."""
    folder = tmp_path_factory.mktemp("demo")
    process = Process("demo", "--calls", "24", "--json", "--keep", str(folder / "shop"), folder=folder)
    assert process.ended(45) == 0, process.err + process.out
    return folder / "shop", json.loads(process.out)


def test_every_check_holds(kept: tuple[Path, dict[str, Any]]) -> None:
    report = kept[1]
    assert report["passed"] is True
    assert [check["statement"] for check in report["checks"] if not check["held"]] == []
    seen = report["seen"]
    assert (seen["invalid"], seen["silent"], seen["unanswered"]) == (0, 0, [])
    assert seen["forms"] >= 5
    assert len(seen["sent"]) == seen["answered"] + seen["refused"] + seen["errors"] >= 24


def test_the_faults_were_real_and_were_met(kept: tuple[Path, dict[str, Any]]) -> None:
    *features, everything = kept[1]["rows"]
    assert [row["feature"] for row in features] == ["day-digest", "default", "read-mail", "support", "triage"]
    assert everything["calls"] == sum(row["calls"] for row in features) == len(kept[1]["seen"]["sent"])
    assert everything["retries"] + everything["fallbacks"] > 0
    assert everything["fallbacks"] > 0
    assert everything["repairs"] + everything["reasks"] > 0
    assert everything["refused"] == 4, "one too long, one too much, two over the rate"
    assert 0 < everything["p50"] <= everything["p90"] <= everything["p99"]
    assert everything["input_tokens"] > everything["output_tokens"] > 0


def test_a_price_that_is_not_known_is_not_zero(kept: tuple[Path, dict[str, Any]]) -> None:
    assert [row["cost_usd"] for row in kept[1]["rows"]] == [None] * 6


def test_the_stories_are_of_recorded_calls(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, report = kept
    assert [one["title"] for one in report["stories"]] == [
        "answered by the backup",
        "a broken answer mended before it left",
        "refused before it cost anything",
    ]
    for one in report["stories"]:
        told = CliRunner().invoke(_cli(), ["explain-call", one["call_id"], "--project", str(folder)])
        assert told.exit_code == 0, told.output
        assert [line for line in told.output.splitlines() if line in one["lines"]] == one["lines"]


def test_a_folder_in_use_is_not_overwritten(kept: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    process = Process("demo", "--keep", str(kept[0]), folder=tmp_path)
    assert process.ended() == 1
    assert "not overwritten" in process.err
    assert "Choose an empty folder" in process.err


def test_a_signal_ends_it_and_all_it_started(tmp_path: Path) -> None:
    process = Process("demo", "--calls", "400", "--keep", str(tmp_path / "shop"), folder=tmp_path)
    try:
        wait_until(lambda: "429" in process.err, within=40)
        children = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children").read_text().split()
        assert len(children) == 1
        process.popen.send_signal(signal.SIGINT)
        assert process.ended(15) == 1
    finally:
        process.stop()
    assert "stopped" in process.err
    assert "Traceback" not in process.err + process.out
    wait_until(lambda: not Path(f"/proc/{children[0]}").exists())


def test_without_the_sdk_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--calls", "18", "--json"])
    assert ended.value.code == 1
    assert "pip install 'seawall[demo]'" in capsys.readouterr().err


@pytest.mark.parametrize("calls", [*range(18, 40), 120, 1000])
def test_a_plan_takes_as_many_calls_as_were_asked_for(calls: int) -> None:
    errands = plan(calls)
    assert sum(errand.calls for errand in errands) + 5 == calls
    assert {errand.kind for errand in errands} >= {
        "support",
        "mail",
        "triage",
        "form",
        "too_long",
        "too_much",
    }
    for kind in CYCLE if calls > 60 else ():
        assert {errand.streamed for errand in errands if errand.kind == kind} == {True, False}, kind


def _cli() -> Any:
    from seawall.cli.main import cli

    return cli
