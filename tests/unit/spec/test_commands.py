import json

import pytest
from click.testing import CliRunner

from seawall.cli import spec as commands
from seawall.spec.template import STARTS

FEATURE = """\
seawall: 1
feature: a
intent: {purpose: p, owner: o, request_type: realtime}
llm: {targets: [openai/a@1]}
"""
KEYS = {start.variable: None for start in STARTS if start.variable}


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(command, *args, **environ):
        return CliRunner(env={**KEYS, **environ}).invoke(getattr(commands, command), list(args))

    return call


@pytest.mark.parametrize("variable", [None, *KEYS])
def test_init_writes_a_project_that_passes_check_and_is_formatted(run, variable):
    environ = {variable: "sk-1"} if variable else {}
    result = run("init", "new", "--name", "my-feature", **environ)
    assert result.exit_code == 0, result.output
    checked = run("check", "new")
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.startswith("ok: 1 feature, digest ")
    assert run("fmt", "--check", "new").exit_code == 0
    assert run("explain", "my-feature", "--project", "new").exit_code == 0


def test_init_writes_about_twenty_lines_and_picks_the_provider_there_is_a_key_for(run, tmp_path):
    run("init", OPENAI_API_KEY="sk-1")
    text = (tmp_path / "features/support-answer.yaml").read_text()
    assert "openai/" in text
    assert "sk-1" not in text
    assert len(text.splitlines()) <= 22


def test_init_overwrites_nothing(run, tmp_path):
    (tmp_path / "seawall.yaml").write_text("mine")
    result = run("init")
    assert result.exit_code == 1
    assert "not overwritten: seawall.yaml" in result.output
    assert (tmp_path / "seawall.yaml").read_text() == "mine"
    assert not (tmp_path / "features").exists()


def test_init_leaves_a_readme_alone(run, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    assert run("init").exit_code == 0
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["a/b", "../x", "default", "A", ""])
def test_init_refuses_a_name_that_is_none(run, name, tmp_path):
    assert run("init", "--name", name).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def broken(folder):
    (folder / "features").mkdir()
    (folder / "features/a.yaml").write_text(FEATURE + "inptu: {}\nversion: 1\n")


def test_check_tells_every_problem_and_exits_1(run, tmp_path):
    broken(tmp_path)
    result = run("check")
    assert result.exit_code == 1
    assert "features/a.yaml:5  inptu" in result.stderr
    assert result.stderr.endswith("2 problems\n")


def test_check_tells_machines_the_same(run, tmp_path):
    broken(tmp_path)
    result = run("check", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["ok"] is False
    assert [(each["line"], each["path"], each["code"]) for each in document["problems"]] == [
        (5, "inptu", "unknown_key"),
        (6, "version", "spec_error"),
    ]


def test_check_shows_warnings_and_passes(run, tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features/a.yaml").write_text(FEATURE.replace("@1", ""))
    result = run("check")
    assert result.exit_code == 0
    assert "not pinned" in result.stderr
    assert len(json.loads(run("check", "--json").stdout)["warnings"]) == 1


def test_explain_shows_each_value_and_where_it_came_from(run, tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features/a.yaml").write_text(FEATURE)
    lines = [line.split() for line in run("explain", "a").stdout.splitlines()]
    assert ["llm.deadline.total", "2", "s", "default", "for", "realtime"] in lines
    assert ["llm.targets", "[openai/a@1]", "features/a.yaml:4"] in lines
    document = json.loads(run("explain", "a", "--json").stdout)
    assert document["targets"] == ["openai/a@1"]
    assert [row["path"].split(".")[0] for row in document["plan"]] == sorted(
        (row["path"].split(".")[0] for row in document["plan"]),
        key=["intent", "input", "context", "llm", "validation", "monitoring"].index,
    )
    assert run("explain", "default").exit_code == 0


def test_explain_knows_what_was_meant(run, tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features/a.yaml").write_text(FEATURE.replace("feature: a", "feature: refunds"))
    result = run("explain", "refnds")
    assert result.exit_code == 1
    assert "Did you mean 'refunds'?" in result.output


def test_fmt_check_shows_a_diff_and_changes_nothing(run, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("b:    1\nseawall: 1\n")
    result = run("fmt", "--check", "a.yaml")
    assert result.exit_code == 1
    assert "-b:    1" in result.stdout
    assert file.read_text() == "b:    1\nseawall: 1\n"
    assert run("fmt", "a.yaml").exit_code == 0
    assert file.read_text() == "seawall: 1\nb: 1\n"
    assert run("fmt", "--check", "a.yaml").exit_code == 0
    assert list(tmp_path.iterdir()) == [file]


def test_fmt_tells_what_it_cannot_lay_out(run, tmp_path):
    (tmp_path / "a.yaml").write_text("a: [\n")
    result = run("fmt", "a.yaml")
    assert result.exit_code == 1
    assert "not YAML" in result.stderr


@pytest.mark.parametrize("kind", ["feature", "project"])
def test_schema_prints_json_schema(run, kind):
    assert json.loads(run("schema", kind).stdout)["title"] == f"Seawall {kind} file"
