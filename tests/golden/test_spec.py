"""One file a case: the YAML beside this test, and what became of it (a plan, or the text of the errors).

A case is the text of `features/case.yaml`, then any other files of the project after lines `#=== PATH`.
With `SEAWALL_GOLDEN=write` in the environment what came out is written down instead of compared.
"""

import os
from pathlib import Path

import msgspec
import pytest

from seawall.spec.explain import as_json, explain
from seawall.spec.load import load_project
from seawall.spec.plan import Project, plain
from seawall.spec.problems import SpecErrors

CASES = sorted((Path(__file__).parent / "spec").glob("*.yaml"))
VENDORS = ("openai", "mistral", "ollama", "vllm")
ENVIRON = {"MY_KEY": "sk-very-secret", "HOST": "gpu.example", "DATABASE_URL": "postgresql://u:pw@db/seawall"}
MARK = "#=== "


def write_project(folder: Path, case: str) -> None:
    name, lines = "features/case.yaml", []
    for line in [*case.splitlines(keepends=True), MARK]:
        if not line.startswith(MARK):
            lines.append(line)
            continue
        text = "".join(lines)
        if text.strip() or name != "features/case.yaml":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        name, lines = line.removeprefix(MARK).strip(), []


def shown(project: Project) -> str:
    features = [*project.features.values(), project.default]
    document = {
        "digest": project.digest,
        "listen": str(project.listen),
        "state": project.state,
        "store": project.store,
        "providers": project.providers,
        "allow_models": project.allow_models,
        "body_limit": project.body_limit,
        "drain": project.drain,
        "warnings": [str(warning) for warning in project.warnings],
        "features": [msgspec.json.decode(as_json(each, explain(each))) for each in features],
        "prompts": {each.name: each.prompt.template for each in features if each.prompt},
    }
    return msgspec.json.format(msgspec.json.encode(document, enc_hook=plain), indent=1).decode() + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_case_becomes_what_was_written_down(case, tmp_path):
    write_project(tmp_path, case.read_text())
    try:
        result, suffix = shown(load_project(tmp_path, vendors=VENDORS, environ=ENVIRON)), ".json"
    except SpecErrors as errors:
        result, suffix = f"{errors}\n", ".txt"
    result = result.replace(str(tmp_path), "PROJECT")
    assert "very-secret" not in result
    assert ":pw@" not in result
    if os.environ.get("SEAWALL_GOLDEN") == "write":
        for other in (".json", ".txt"):
            case.with_suffix(other).unlink(missing_ok=True)
        case.with_suffix(suffix).write_text(result)
    expected = case.with_suffix(suffix)
    assert expected.exists(), f"{case.stem} came out as {suffix}:\n{result}"
    assert result == expected.read_text()
