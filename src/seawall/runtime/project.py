"""Where a project is, and what stands in for one when there are no files."""

from collections.abc import Mapping
from pathlib import Path

from seawall.core.ports import Store
from seawall.plugins.providers.capabilities import VENDORS
from seawall.plugins.stores import open_store
from seawall.runtime.registry import Registry
from seawall.spec.load import FEATURES_FOLDER, PROCESS_FILE, load_project
from seawall.spec.plan import Project

STATE_FOLDER = ".seawall"
"""Where a project without files keeps its state: the default of `state` in seawall.yaml."""


def read_project(folder: Path, environ: Mapping[str, str] | None = None) -> Project:
    """The project in *folder*, every file read and checked. Raises `SpecError`."""
    return load_project(
        folder,
        vendors=VENDORS,
        without_address=[name for name, vendor in VENDORS.items() if not vendor.base_url],
        kinds=Registry("provider").names(),
        environ=environ,
    )


def has_files(folder: Path) -> bool:
    """Whether *folder* is a project at all."""
    return (folder / PROCESS_FILE).is_file() or (folder / FEATURES_FOLDER).is_dir()


def store_url(project: Project) -> str:
    """The URL of the store the project names."""
    file = project.store_file
    if file is not None:
        return f"sqlite:///{file}"
    secret = project.store.url
    return secret.reveal() if secret is not None else ""


def known_project(folder: Path) -> Project:
    """The project in *folder*, or all defaults where Seawall has been run without files.

    For commands that only look at what was kept. Raises `SpecError`.
    """
    if has_files(folder) or not (folder / STATE_FOLDER).is_dir():
        return read_project(folder)
    return load_project(folder, vendors=VENDORS, bare=True)


def open_project_store(folder: Path) -> Store:
    """The store of the project in *folder*, its schema current. Raises `SpecError` and `StoreError`."""
    project = known_project(folder)
    project.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(store_url(project))
    store.migrate()
    return store
