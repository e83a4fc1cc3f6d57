"""The commands of the how-to pages and of the README run as they are written; only ports are others."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.harness import surroundings

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"
BLOCK = re.compile(r"^```sh( server)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("4949", "9600")
BEGIN = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n. .venv/bin/activate\n"
SERVER = """\
{command} > server-{number}.log 2>&1 &
for _ in $(seq 300); do grep -q http server-{number}.log && break; sleep 0.1; done
grep http server-{number}.log
"""
MOVE = """\
from pathlib import Path
for file in Path().glob("*/seawall.yaml"):
    text = file.read_text()
    for old, new in {moved!r}.items():
        text = text.replace(":" + old, ":" + new)
    file.write_text(text)
"""


def free_port() -> str:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def script(text: str) -> str:
    """All blocks of a page as one shell script; servers run in the background."""
    lines = [BEGIN]
    for number, (server, command) in enumerate(BLOCK.findall(text), 1):
        lines.append(SERVER.format(command=command.strip(), number=number) if server else command)
        if "seawall init" in command:  # what it writes names the ports as well
            lines.append("python move_ports.py")
    return "\n".join(lines)


def run(folder: Path, text: str, also: str = "") -> str:
    """Run the commands in *text*, then *also*; what they printed."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the pages use bash and curl")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    moved = {port: free_port() for port in PORTS}
    (folder / "move_ports.py").write_text(MOVE.format(moved=moved))
    for old, new in moved.items():
        text = text.replace(old, new)
    done = subprocess.run(
        ["bash", "-c", script(text) + also],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    logs = "".join(path.read_text() for path in folder.glob("server-*.log"))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{logs}"
    return done.stdout


def test_an_application_is_pointed_at_seawall(tmp_path: Path) -> None:
    told = run(tmp_path, (HOW_TO / "point-your-app-at-seawall.md").read_text(encoding="utf-8"))
    assert '"content":"Order A-17 shipped on Monday."' in told


def test_a_structured_answer_is_repaired(tmp_path: Path) -> None:
    page = (HOW_TO / "structured-output.md").read_text(encoding="utf-8")
    told = run(tmp_path, page)
    for line in re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0].splitlines():
        assert line in told


def test_records_are_found_and_told(tmp_path: Path) -> None:
    told = run(tmp_path, (HOW_TO / "read-records.md").read_text(encoding="utf-8"))
    assert told.count("support-answer") >= 4
    assert "It was answered." in told
    assert '"asked"' in told


def test_the_library_example_of_the_readme_answers(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = next(block for block in PYTHON.findall(readme) if "seawall.open" in block)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    page = "```sh\nseawall init shop\n```\n```sh server\nseawall scripted --port 9600\n```\n"
    told = run(tmp_path, page, also="\npython example.py\n")
    assert "Order A-17 shipped on Monday.\nOrder A-18 shipped on Tuesday." in told
