"""The tutorial's commands run as they are written, in order; only its two ports are others."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.harness import surroundings

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-call.md"
BLOCK = re.compile(r"^```sh( server)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("4949", "9600")
BEGIN = """\
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
"""
SERVER = """\
({command}) > server-{number}.log 2>&1 &
for _ in $(seq 300); do grep -q http server-{number}.log && break; sleep 0.1; done
grep http server-{number}.log
"""


def free_port() -> str:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def script(text: str) -> str:
    """All blocks of the page as one shell script; servers run in the background."""
    lines = [BEGIN]
    for number, (server, command) in enumerate(BLOCK.findall(text), 1):
        lines.append(f"echo '=== block {number}'")
        lines.append(SERVER.format(command=command, number=number) if server else command)
        if number == 1:  # what `seawall init` wrote names the ports as well
            lines.append("python move_ports.py")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the commands printed."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the tutorial uses bash and curl")
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    moved = {port: free_port() for port in PORTS}
    (folder / "move_ports.py").write_text(
        "from pathlib import Path\n"
        "file = Path('shop/seawall.yaml')\n"
        "text = file.read_text()\n"
        f"for old, new in {moved!r}.items():\n"
        "    assert f':{old}' in text\n"
        "    text = text.replace(f':{old}', f':{new}')\n"
        "file.write_text(text)\n"
    )
    text = TUTORIAL.read_text(encoding="utf-8")
    for old, new in moved.items():
        text = text.replace(old, new)
    done = subprocess.run(
        ["bash", "-c", script(text)],
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


def test_every_block_was_run(told: str) -> None:
    blocks = BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    assert told.count("=== block") == len(blocks) == 11
    assert sum(bool(server) for server, _ in blocks) == 2


def test_the_answers_came(told: str) -> None:
    assert '"content":"Order A-17 shipped on Monday."' in told
    assert "Order A-18 shipped on Tuesday." in told
    assert '"content":"Order A-19 shipped on Friday."' in told


def test_the_fallback_was_seen(told: str) -> None:
    broken = told.rpartition("=== block")[2]
    assert "scripted/scripted-small+status=503@1 failed" in broken
    assert "(fallback after overloaded)" in broken
    assert "It was answered." in broken


def test_what_the_page_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)", TUTORIAL.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (TUTORIAL.parent / link).is_file()] == []
