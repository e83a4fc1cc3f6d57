"""Notice that the files of a project have changed."""

import os
from pathlib import Path

from seawall.spec.plan import Project

Stamp = tuple[tuple[str, int, int], ...]


def stamp(project: Project) -> Stamp:
    """What changes when any file of *project* changes, is added or goes: names, times, sizes."""
    root = project.root
    names = {root / "seawall.yaml", *(root / "features").glob("*.y*ml")}
    for feature in project.features.values():
        names.update(root / name for name in feature.files)
    return tuple(sorted(_seen(path) for path in names))


def _seen(path: Path) -> tuple[str, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116  # one call, and it follows what an editor swaps in
    except OSError:
        return str(path), 0, -1
    return str(path), status.st_mtime_ns, status.st_size
