"""`seawall demo` as a user starts it: it needs nothing, checks itself, and leaves nothing behind."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seawall.cli.main import cli, main
from seawall.core.record import Decision, Record
from seawall.lifecycle.demo.caller import Seen
from seawall.lifecycle.demo.faults import ACTS, Play
from seawall.lifecycle.demo.report import make_report
from seawall.lifecycle.demo.shop import Shop
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
        told = CliRunner().invoke(cli, ["explain-call", one["call_id"], "--project", str(folder)])
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


def record(number: int, **changes: Any) -> Record:
    """A recorded call of the demo."""
    wanted: dict[str, Any] = {
        "id": f"c{number}",
        "at": 0.0,
        "feature": "support",
        "digest": "d",
        "outcome": "ok",
        "dialect": "openai.chat",
        "streamed": False,
        "asked_model": "support",
        "total_us": 1000 * number,
        "correlation_id": f"demo-{number}",
        "cost_nano": 1_000_000,
    }
    return Record(**(wanted | changes))


def test_a_known_price_is_summed_and_one_unknown_makes_the_sum_unknown() -> None:
    seen = Seen(sent=["demo-1", "demo-2"], answered=2)
    assert make_report([record(1), record(2)], seen, 1.0).rows[-1].cost_usd == 0.002
    assert make_report([record(1), record(2, cost_nano=None)], seen, 1.0).rows[-1].cost_usd is None


@pytest.mark.parametrize(
    ("records", "seen"),
    [
        ([record(1)], Seen(sent=["demo-1", "demo-2"], answered=2)),
        ([record(1), record(1)], Seen(sent=["demo-1"], answered=1)),
        ([record(1)], Seen(sent=["demo-1"], answered=1, forms=1, invalid=1)),
        ([record(1)], Seen(sent=["demo-1"], answered=0, silent=1)),
        ([record(1)], Seen(sent=["demo-1"], answered=1, unanswered=["support: gone"])),
        ([record(1, outcome="provider_error")], Seen(sent=["demo-1"], answered=1)),
    ],
    ids=["missing", "twice", "invalid", "silent", "unanswered", "disagree"],
)
def test_each_claim_can_fail(records: list[Record], seen: Seen) -> None:
    assert make_report([record(1)], Seen(sent=["demo-1"], answered=1), 1.0).passed
    assert not make_report(records, seen, 1.0).passed


def test_figures_are_of_answered_calls_and_counts_of_all() -> None:
    decisions = (Decision("llm", "retry"), Decision("llm", "fallback"), Decision("validation", "repaired"))
    calls = [record(1, decisions=decisions), record(2), record(900, outcome="rejected")]
    row = make_report(calls, Seen(), 1.0).rows[0]
    assert (row.calls, row.refused, row.errors) == (3, 1, 0)
    assert (row.p50, row.p99) == (1.0, 2.0)
    assert (row.retries, row.fallbacks, row.repairs, row.reasks) == (1, 1, 1, 0)


def test_each_act_replaces_the_one_before_and_the_last_one_heals() -> None:
    plan = RememberedPlan()
    acts = Play(plan)  # type: ignore[arg-type]  # a fake with the two methods that are used
    for act in ACTS:
        assert acts.reach(act.since) == act.told
        assert plan.faults == [fault.faults for fault in act.plan]
        assert acts.reach(act.since) == "", "each is told once"
    assert plan.faults == []


class RememberedPlan:
    """Remembers what is planned."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def clear(self) -> None:
        self.faults.clear()

    def add(self, faults: str, **_: Any) -> None:
        self.faults.append(faults)


def test_the_shops_tools_answer_from_its_table_and_say_what_they_cannot() -> None:
    shop = Shop()
    order = shop.orders["A-1003"]
    assert json.loads(shop.run("lookup_order", '{"order_id": "A-1003"}'))["status"] == order.status
    assert json.loads(shop.run("estimate_delivery", '{"order_id": "A-1003"}')) == {"arrives": order.arrives}
    for tool, arguments in (
        ("lookup_order", '{"order_id": "A-9"}'),
        ("lookup_order", "{"),
        ("lookup_order", "[1]"),
        ("refund", '{"order_id": "A-1003"}'),
    ):
        assert "error" in json.loads(shop.run(tool, arguments))
