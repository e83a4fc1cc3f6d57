"""Looking whether the schema is current costs next to nothing."""

import os
import subprocess
import sys
from pathlib import Path

import seawall.plugins.stores

_STARTED = """
import sys
from seawall.plugins.stores import open_store
store = open_store(sys.argv[1])
store.migrate()
store.close()
print("alembic" in sys.modules, "pg8000" in sys.modules)
"""


def test_a_current_schema_is_recognised_without_importing_what_migrates(tmp_path: Path) -> None:
    folder = Path(seawall.plugins.stores.__file__).parents[3]
    said = [
        subprocess.run(
            [sys.executable, "-c", _STARTED, f"sqlite:///{tmp_path}/records.db"],
            env={**os.environ, "PYTHONPATH": str(folder)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["True", "False"], ["False", "False"]]
