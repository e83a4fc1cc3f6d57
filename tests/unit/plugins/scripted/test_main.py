"""The command, and the page that documents the faults."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from seawall.plugins.providers.scripted.faults import FAULTS, fault_table

ROOT = Path(__file__).parents[4]
COMMAND = [sys.executable, "-m", "seawall.plugins.providers.scripted"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def test_the_command_prints_its_url_serves_and_ends_on_sigterm() -> None:
    with subprocess.Popen(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/models") as answer:
            assert b"scripted-instant" in answer.read()
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 0
    assert complaints == ""


def test_the_command_refuses_unknown_faults() -> None:
    done = subprocess.run(
        [*COMMAND, "--faults", "nope"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
        timeout=20,
    )
    assert done.returncode == 2
    assert "unknown fault 'nope'" in done.stderr


def test_the_reference_page_has_the_table_of_all_faults() -> None:
    page = (ROOT / "docs/reference/scripted-provider.md").read_text(encoding="utf-8")
    assert fault_table() in page
    assert all(f"`{name}`" in page for name in FAULTS)
