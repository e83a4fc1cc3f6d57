"""The drills as a user runs them: each passes, and says so in figures."""

import json
import subprocess
import sys

import pytest


@pytest.mark.timeout(120)
def test_the_drills_pass_and_write_their_figures() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "seawall", "drill", "--json"], capture_output=True, text=True, timeout=110
    )

    assert told.returncode == 0, told.stdout + told.stderr
    drills = {each["id"]: each for each in json.loads(told.stdout)["drills"]}
    assert set(drills) == {"FM-02", "FM-07", "FM-08"}
    assert all(each["passed"] for each in drills.values())
    figures = {row["name"]: row for row in drills["FM-07"]["figures"]}
    assert figures["invalid answers delivered"]["on"] == 0 < figures["invalid answers delivered"]["off"]


def test_an_unknown_drill_is_named_and_those_there_are_listed() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "seawall", "drill", "FM-99"], capture_output=True, text=True, timeout=30
    )

    assert told.returncode == 2
    assert "no drill 'FM-99'; there are: FM-02, FM-07, FM-08" in told.stderr
