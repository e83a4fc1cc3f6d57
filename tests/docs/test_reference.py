"""The reference says what the code does: each table is compared with its source."""

import ast
import importlib
import inspect
import re
import types
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

import msgspec
import pytest

import seawall
from seawall.core import errors
from seawall.core.errors import ProviderError, SeawallError, SpecError
from seawall.gateway import failure, refusals
from seawall.gateway.app import PREFIXES, Gateway
from seawall.gateway.backend import Backend
from seawall.gateway.counting import HttpMetrics
from seawall.gateway.reader import Limits
from seawall.layers.monitoring.metrics import Registry
from seawall.layers.monitoring.recorder import RecorderSettings
from seawall.runtime.clock import SystemClock
from seawall.spec.model import FeatureFile, Section

from tests.docs.generated import PARTS, REFERENCE, renewed

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "seawall"
PAGES = sorted(
    [*ROOT.glob("docs/**/*.md"), *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING"))]
)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
UNITS = {
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "s": 1.0,
    "ms": 0.001,
    "%": 0.01,
    "": 1,
}


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the tables in *page* whose first column is called *heading*."""
    rows: list[list[str]] = []
    wanted = False
    for line in page.splitlines():
        if not line.startswith("|"):
            wanted = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == heading:
            wanted = True
        elif wanted and not cells[0].startswith("--"):
            rows.append(cells)
    return rows


def reference(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("part", PARTS)
def test_what_is_made_from_the_code_is_up_to_date(part: str) -> None:
    """If this fails: python -m tests.docs.generated"""
    page = reference(PARTS[part][0])
    assert renewed(part, page) == page


# Errors


def known_errors() -> set[tuple[str, int]]:
    """Every code that can reach a client, with its status."""
    found = {(SeawallError.code, SeawallError.status)}
    found |= {(code, status) for code, (status, _, _) in ProviderError.KINDS.items()}
    for module in (errors, failure):
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, SeawallError) and not issubclass(each, SpecError):
                found |= {(each.code, each.status)} if "code" in vars(each) else set()
    for value in vars(refusals).values():
        if isinstance(value, refusals.Refusal):
            found.add((msgspec.json.decode(value.body)["error"]["code"], value.status))
    return found | written_codes()


def written_codes() -> set[tuple[str, int]]:
    """Codes that are given to an error where it is raised."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                kind = getattr(errors, node.func.id, None)
                for keyword in node.keywords:
                    if kind and keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        found.add((str(keyword.value.value), kind.status))
    return found


def test_every_error_has_its_row_and_every_row_its_error() -> None:
    rows = table(reference("http-api.md"), "code")
    listed = {(row[0].strip("`"), int(row[1])) for row in rows}
    assert listed == known_errors()
    assert len(rows) == len(listed)


def test_what_follows_from_an_error_of_a_provider_is_as_listed() -> None:
    rows = table(reference("providers.md"), "code")
    listed = {row[0].strip("`"): (row[1] == "yes", row[2] == "yes") for row in rows}
    assert listed == {code: (again, other) for code, (_, again, other) in ProviderError.KINDS.items()}


# The HTTP API


def test_every_route_is_listed_with_its_method() -> None:
    gateway = Gateway(cast("Backend", None), SystemClock(), HttpMetrics(Registry()))
    routes = {(method, path) for method, path in gateway.routes._exact}
    routes |= {(method, path) for method, path, _ in gateway.routes._subtrees}
    served = {(method.decode(), path.decode()) for method, path in routes}
    rows = [(row[0], row[1].strip("`")) for row in table(reference("http-api.md"), "method")]
    first, *others = PREFIXES
    for other in others:
        rows += [(method, path.replace(first, other, 1)) for method, path in rows if path.startswith(first)]
    assert set(rows) == served


def test_every_header_of_ours_is_listed() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "gateway").glob("*.py"))
    sent = set(re.findall(r'"(x-seawall-[a-z-]+)"', text))
    listed = "".join(row[0] for row in table(reference("http-api.md"), "header"))
    assert sent
    assert set(re.findall(r"`(x-seawall-[a-z-]+)`", listed)) == sent


# Limits


def resolved(place: str) -> Any:
    """What stands at *place*: `module.NAME`, `module.Struct.field`, `module.Class(argument)`, `NAME[key]`."""
    found = re.fullmatch(r"([\w.]+?)(?:\[(\w+)\]|\((\w+)\))?", place)
    assert found, place
    path, key, argument = found.groups()
    names = path.split(".")
    cut = next(at for at, name in enumerate(names) if name != name.lower() or name.startswith("_"))
    value: Any = importlib.import_module(".".join(names[:cut]))
    for name in names[cut:]:
        if isinstance(value, type) and issubclass(value, msgspec.Struct):
            value = {field.name: field.default for field in msgspec.structs.fields(value)}[name]
        else:
            value = getattr(value, name)
    if argument:
        return inspect.signature(value).parameters[argument].default
    return value[key] if key else value


LIMITS = [(row[1], row[2].strip("`")) for row in table(reference("limits.md"), "what")]


@pytest.mark.parametrize(("value", "place"), LIMITS, ids=[place for _, place in LIMITS])
def test_each_limit_has_the_value_that_is_written(value: str, place: str) -> None:
    number, _, unit = value.partition(" ")
    assert float(number) * UNITS[unit] == pytest.approx(resolved(place))


@pytest.mark.parametrize("struct", [Limits, RecorderSettings])
def test_every_number_among_the_settings_is_listed(struct: type[msgspec.Struct]) -> None:
    prefix = f"{struct.__module__}.{struct.__name__}."
    listed = {place.removeprefix(prefix) for _, place in LIMITS if place.startswith(prefix)}
    fields = msgspec.structs.fields(struct)
    assert listed == {field.name for field in fields if isinstance(field.default, int | float)}


# What is not built


def planned(section: type[Section], path: str = "") -> set[str]:
    """Every key of the format below *path* that this version refuses."""
    found = {f"{path}{name}" for name in section.planned}
    for name, hint in get_type_hints(section).items():
        for each in (hint, *(get_args(hint) if isinstance(hint, types.UnionType) else ())):
            if isinstance(each, type) and issubclass(each, Section):
                found |= planned(each, f"{path}{name}.")
    return found


def test_the_readme_names_every_key_that_is_refused_as_not_built() -> None:
    rows = table((ROOT / "README.md").read_text(encoding="utf-8"), "part of the spec")
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row[2])}
    assert named == planned(FeatureFile)


# The library


def test_what_the_package_offers_is_what_it_says() -> None:
    assert seawall.__all__ == sorted(seawall.__all__)
    assert {*seawall._HOMES, *seawall._RENAMED, "__version__"} == set(seawall.__all__)


@pytest.mark.parametrize("name", seawall.__all__)
def test_every_name_of_the_package_can_be_had(name: str) -> None:
    assert getattr(seawall, name) is not None


# All pages


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file) if file else page
        assert target.exists(), f"{link!r} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link!r} names no heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_names_a_folder_of_somebody_s_machine(page: Path) -> None:
    assert re.findall(r"/(?:home|root|work|Users|tmp)/\S*", page.read_text(encoding="utf-8")) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
        waiting += [(page.parent / link).resolve() for link in links if link and ":" not in link]
    assert [page for page in PAGES if page.resolve() not in seen] == []


def test_every_piece_of_python_in_the_pages_can_be_compiled() -> None:
    blocks = 0
    for page in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            blocks += 1
            compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert blocks
