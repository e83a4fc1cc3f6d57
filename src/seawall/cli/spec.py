"""The commands around the spec: init, check, explain, fmt, schema."""

import difflib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from seawall.core.errors import SpecError
from seawall.spec.problems import SpecErrors

if TYPE_CHECKING:
    from seawall.spec.plan import Project

PROJECT = click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document.")


@click.command()
@PROJECT
@click.option("--name", default="support-answer", show_default=True, help="Name of the first feature.")
def init(folder: Path, name: str) -> None:
    """Write the first files of a project into DIR."""
    from seawall.spec.model import SLUG
    from seawall.spec.template import choose_start, first_files

    if not SLUG.fits(name) or name == "default":
        raise click.UsageError(f"{name!r} is not a name of a feature: write it like {SLUG.example}")
    start = choose_start(os.environ)
    files = first_files(name, start)
    if (folder / "README.md").exists():
        del files["README.md"]
    taken = [file for file in files if (folder / file).exists()]
    if taken:
        raise click.ClickException(f"not overwritten: {', '.join(taken)}. Choose another folder or --name")
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        with (folder / file).open("x", encoding="utf-8") as out:
            out.write(text)
        click.echo(f"wrote {folder / file}")
    click.echo(f"{name} asks {start.target}. Next: seawall check {folder}, then seawall serve")


@click.command()
@PROJECT
@JSON
def check(folder: Path, as_json: bool) -> None:
    """Find every problem of the project in DIR. Exit code 1 if there is one."""
    try:
        project = _load(folder)
    except SpecErrors as errors:
        _fail(errors, as_json=as_json)
    if as_json:
        _print_json(
            {
                "ok": True,
                "digest": project.digest,
                "features": {name: feature.digest for name, feature in project.features.items()},
                "problems": [],
                "warnings": project.warnings,
            }
        )
        return
    for warning in project.warnings:
        click.echo(f"{warning}\n", err=True)
    count = len(project.features)
    click.echo(f"ok: {count} feature{'s' if count != 1 else ''}, digest {project.digest[:16]}")


@click.command()
@click.argument("feature")
@click.option(
    "--project", "folder", default=".", type=click.Path(path_type=Path), help="The project's folder."
)
@JSON
def explain(feature: str, folder: Path, as_json: bool) -> None:
    """Show the whole plan of FEATURE (or `default`) with every default and where it came from."""
    from seawall.spec import explain as plan
    from seawall.spec.plan import DEFAULT_FEATURE
    from seawall.spec.problems import did_you_mean

    try:
        project = _load(folder)
    except SpecErrors as errors:
        _fail(errors, as_json=as_json)
    features = {**project.features, DEFAULT_FEATURE: project.default}
    if feature not in features:
        guess = did_you_mean(feature, features)
        raise click.ClickException(f"no feature {feature!r}{guess}. Features: {', '.join(features)}")
    rows = plan.explain(features[feature])
    if as_json:
        click.echo(plan.as_json(features[feature], rows).decode())
    else:
        click.echo(plan.as_text(features[feature], rows))


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; show a diff and exit 1 if there is one."
)
def fmt(paths: tuple[Path, ...], only_check: bool) -> None:
    """Bring spec files (or all of a project's, default: here) into their canonical layout."""
    from seawall.spec.fmt import format_text

    problems: list[SpecError] = []
    changed = 0
    for file in _spec_files(paths or (Path(),)):
        try:
            before = file.read_text(encoding="utf-8-sig")
            after = format_text(before, file.as_posix())
        except SpecErrors as errors:
            problems += errors.problems
            continue
        except UnicodeDecodeError:
            problems.append(SpecError("the file is not UTF-8", file=file.as_posix()))
            continue
        if after == before:
            continue
        changed += 1
        if only_check:
            lines = (before.splitlines(keepends=True), after.splitlines(keepends=True))
            click.echo(
                "".join(difflib.unified_diff(*lines, file.as_posix(), f"{file.as_posix()} (formatted)")),
                nl=False,
            )
        else:
            _replace(file, after)
            click.echo(f"formatted {file}")
    if problems:
        _fail(SpecErrors(problems), as_json=False)
    if only_check and changed:
        sys.exit(1)


@click.command()
@click.argument("kind", type=click.Choice(["feature", "project"]), default="feature")
def schema(kind: str) -> None:
    """Print the JSON Schema of feature files, or of seawall.yaml (project), for editors."""
    from seawall.spec.schema import json_schema

    _print_json(json_schema("project" if kind == "project" else "feature"))


def _load(folder: Path) -> "Project":
    """The project in *folder*, judged against what is installed here."""
    from seawall.plugins.providers.capabilities import VENDORS
    from seawall.runtime.registry import Registry
    from seawall.spec.load import load_project

    return load_project(
        folder,
        vendors=VENDORS,
        without_address=[name for name, vendor in VENDORS.items() if not vendor.base_url],
        kinds=Registry("provider").names(),
    )


def _spec_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """The files among *paths*; of folders, the files of the project in them."""
    from seawall.spec.load import FEATURES_FOLDER, PROCESS_FILE

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        if (path / PROCESS_FILE).is_file():
            yield path / PROCESS_FILE
        yield from sorted((path / FEATURES_FOLDER).glob("*.yaml"))


def _replace(file: Path, text: str) -> None:
    """Write *file* whole or not at all."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(file.stat().st_mode)
    beside.replace(file)


def _fail(errors: SpecErrors, *, as_json: bool) -> NoReturn:
    """Say what is wrong and end with exit code 1."""
    count = len(errors.problems)
    if as_json:
        _print_json({"ok": False, "problems": [_problem(each) for each in errors.problems]})
    else:
        click.echo(f"{errors}\n\n{count} problem{'s' if count != 1 else ''}", err=True)
    sys.exit(1)


def _problem(error: SpecError) -> dict[str, object]:
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "file": error.file,
        "line": error.line,
        "path": error.path,
    }


def _print_json(document: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
