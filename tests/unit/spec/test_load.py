import msgspec
import pytest

from seawall.core.errors import SpecConflict, SpecSyntaxError, UnknownKey, UnknownPlugin
from seawall.spec.load import load_project
from seawall.spec.places import Target
from seawall.spec.problems import NotBuilt, SpecErrors

FEATURE = """\
seawall: 1
feature: support-answer
intent: {purpose: Answer questions., owner: ana.k, request_type: realtime}
llm:
  targets: [openai/gpt-4.1-mini@2025-04-14]
"""
PROMPTED = FEATURE + "context: {prompt: {file: p.md, variables: {q: user}}}\n"
PROCESS = """\
seawall: 1
providers:
  mine: {base_url: "http://127.0.0.1:${PORT}/v1", key: env.KEY}
"""


def load(folder, files, **environ):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load_project(folder, vendors={"openai"}, environ={"PORT": "9600", "KEY": "sk-1", **environ})


def problems(folder, files, **environ):
    with pytest.raises(SpecErrors) as caught:
        load(folder, files, **environ)
    return caught.value.problems


def digest(folder, files, **environ):
    return load(folder, files, **environ).features["support-answer"].digest


def test_a_folder_with_one_feature_is_a_project(tmp_path):
    project = load(tmp_path, {"features/a.yaml": FEATURE})
    feature = project.features["support-answer"]
    assert feature.targets == (Target("openai", "gpt-4.1-mini", "2025-04-14"),)
    assert feature.request_type == "realtime"
    assert feature.llm.deadline.total == 2.0
    assert feature.origins["llm.deadline.total"] == "default for realtime"
    assert feature.origins["llm.targets"] == "features/a.yaml:5"
    assert project.store_file == tmp_path / ".seawall/seawall.db"
    assert project.state_folder == tmp_path / ".seawall"


def test_the_default_feature_has_no_intent_and_no_targets(tmp_path):
    default = load(tmp_path, {"seawall.yaml": "seawall: 1\n"}).default
    assert (default.name, default.intent, default.targets, default.request_type) == ("default", None, (), "")
    assert default.llm.deadline.total == 600.0


def test_an_empty_folder_is_no_project(tmp_path):
    assert "neither seawall.yaml nor features/" in problems(tmp_path, {})[0].message


def test_a_folder_that_is_not_there_is_no_project(tmp_path):
    assert "no folder" in problems(tmp_path / "none", {})[0].message


def test_problems_of_all_files_come_together_in_order(tmp_path):
    files = {
        "seawall.yaml": "seawall: 1\nlisten: nowhere\n",
        "features/a.yaml": FEATURE + "inptu: {}\nvalidation: {guards: []}\n",
        "features/b.yaml": "a: [\n",
        "features/c.yaml": FEATURE.replace("openai/", "opnai/").replace("support", "other"),
        "features/d.yaml": FEATURE + "validation: {repair: {attempts: 1}}\n",
    }
    found = problems(tmp_path, files)
    assert [each.file for each in found] == [
        "seawall.yaml",
        "features/a.yaml",
        "features/a.yaml",
        "features/b.yaml",
        "features/c.yaml",
        "features/d.yaml",
        "features/d.yaml",
    ]
    kinds = {type(each) for each in found}
    assert {UnknownKey, NotBuilt, SpecSyntaxError, UnknownPlugin, SpecConflict} <= kinds


def test_spec_errors_say_everything_in_their_text(tmp_path):
    with pytest.raises(SpecErrors) as caught:
        load(tmp_path, {"features/a.yaml": FEATURE + "inptu: {}\ncontxt: {}\n"})
    assert str(caught.value) == (
        "features/a.yaml:6  inptu\n"
        "  unknown key 'inptu'. Did you mean 'input'?\n"
        "  Known keys: seawall, feature, version, intent, input, context, llm, validation, monitoring\n\n"
        "features/a.yaml:7  contxt\n"
        "  unknown key 'contxt'. Did you mean 'context'?\n"
        "  Known keys: seawall, feature, version, intent, input, context, llm, validation, monitoring"
    )
    assert caught.value.message == "2 problems in the spec"


def test_a_vendor_without_a_usual_address_needs_an_entry(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "a.yaml").write_text(FEATURE.replace("openai/", "compatible/"))
    known = {"vendors": {"openai", "compatible"}, "without_address": {"compatible"}, "environ": {}}
    with pytest.raises(SpecErrors, match="unknown provider 'compatible'"):
        load_project(tmp_path, **known)
    (tmp_path / "seawall.yaml").write_text("seawall: 1\nproviders: {compatible: {}}\n")
    with pytest.raises(SpecErrors, match="missing key 'base_url'"):
        load_project(tmp_path, **known)
    (tmp_path / "seawall.yaml").write_text("seawall: 1\nproviders: {compatible: {base_url: http://h/v1}}\n")
    assert load_project(tmp_path, **known).providers["compatible"].vendor == "compatible"


def test_variables_are_expanded_in_addresses_and_keys_only(tmp_path):
    project = load(
        tmp_path, {"seawall.yaml": PROCESS, "features/a.yaml": FEATURE.replace("ana.k", '"${KEY}"')}
    )
    assert project.providers["mine"].base_url == "http://127.0.0.1:9600/v1"
    assert project.providers["mine"].key.reveal() == "sk-1"
    assert project.features["support-answer"].intent.owner == "${KEY}"


def test_what_a_variable_holds_is_never_read_as_yaml(tmp_path):
    found = problems(tmp_path, {"seawall.yaml": PROCESS}, PORT='1/v1", key: "x"}')
    assert [each.path for each in found] == ["providers.mine.base_url"]


def test_a_missing_variable_is_named(tmp_path):
    found = problems(tmp_path, {"seawall.yaml": PROCESS}, KEY="")
    assert found[0].message == "environment variable 'KEY' is not set"
    assert (found[0].line, found[0].path) == (3, "providers.mine.key")


def test_no_secret_is_in_any_error_or_dump(tmp_path):
    files = {"seawall.yaml": PROCESS.replace("env.KEY", "sk-very-secret") + "  bad: [sk-very-secret]\nx: 1\n"}
    assert "very-secret" not in "\n".join(map(str, problems(tmp_path, files)))
    project = load(tmp_path, {"seawall.yaml": PROCESS}, KEY="sk-very-secret")
    assert "very-secret" not in repr(project)
    with pytest.raises(TypeError):
        msgspec.json.encode(project.providers)


def test_a_key_file_may_be_outside_the_project_and_is_stripped(tmp_path):
    (tmp_path / "key").write_text("sk-2\n")
    text = f"seawall: 1\nproviders: {{mine: {{base_url: http://h/v1, key_file: {tmp_path / 'key'}}}}}\n"
    assert load(tmp_path / "p", {"seawall.yaml": text}).providers["mine"].key.reveal() == "sk-2"


def test_layout_comments_order_and_units_do_not_change_the_digest(tmp_path):
    first = digest(tmp_path / "1", {"features/a.yaml": FEATURE + "input: {size: 1 KiB, messages: 3}\n"})
    other = (
        FEATURE.replace("llm:", "# c\n\nllm:").replace("ana.k", "'ana.k'")
        + "input:\n  messages: 3\n  size: 1024 B # x\n"
    )
    assert digest(tmp_path / "2", {"features/z.yaml": other}) == first


def test_stating_a_default_does_not_change_the_digest(tmp_path):
    first = digest(tmp_path / "1", {"features/a.yaml": FEATURE})
    stated = FEATURE + "  deadline: {total: 2 s}\ninput: {size: 256 KiB}\n"
    assert digest(tmp_path / "2", {"features/a.yaml": stated}) == first


def test_a_changed_prompt_changes_the_digest(tmp_path):
    files = {"features/a.yaml": PROMPTED, "features/p.md": "--- user\n{{q}}\n"}
    before = load(tmp_path, files)
    after = load(tmp_path, {"features/p.md": "--- user\n{{q}}!\n"})
    assert before.features["support-answer"].digest != after.features["support-answer"].digest
    assert before.default.digest == after.default.digest
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("2025-04-14", "2025-05-01"), ("realtime", "reasoning"), ("ana.k", "ben"), ("Answer", "Ask")],
)
def test_a_changed_value_changes_the_digest(tmp_path, old, new):
    first = digest(tmp_path / "1", {"features/a.yaml": FEATURE})
    assert digest(tmp_path / "2", {"features/a.yaml": FEATURE.replace(old, new)}) != first


def test_the_address_of_a_used_provider_is_in_the_digest_and_its_key_is_not(tmp_path):
    files = {"seawall.yaml": PROCESS, "features/a.yaml": FEATURE.replace("openai/", "mine/")}
    first = load(tmp_path, files)
    assert load(tmp_path, {}, KEY="sk-other").digest == first.digest
    moved = load(tmp_path, {}, PORT="9601")
    assert moved.features["support-answer"].digest != first.features["support-answer"].digest


def test_an_unused_provider_is_not_in_a_features_digest(tmp_path):
    files = {"seawall.yaml": PROCESS, "features/a.yaml": FEATURE}
    first = digest(tmp_path, files)
    assert digest(tmp_path, {}, PORT="9601") == first


def test_where_the_process_runs_is_not_in_the_digest(tmp_path):
    first = load(tmp_path / "1", {"seawall.yaml": "seawall: 1\n"}).digest
    moved = "seawall: 1\nlisten: 0.0.0.0:80\nstate: /var/lib/x\nstore: sqlite:y.db\n"
    assert load(tmp_path / "2", {"seawall.yaml": moved}).digest == first


def test_a_link_out_of_the_project_is_refused(tmp_path):
    (tmp_path / "outside.md").write_text("--- user\n{{q}}\n")
    (tmp_path / "p/features").mkdir(parents=True)
    (tmp_path / "p/features/p.md").symlink_to(tmp_path / "outside.md")
    assert "outside the project" in problems(tmp_path / "p", {"features/a.yaml": PROMPTED})[0].message


def test_a_feature_file_that_links_out_of_the_project_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text(FEATURE)
    (tmp_path / "p/features").mkdir(parents=True)
    (tmp_path / "p/features/a.yaml").symlink_to(tmp_path / "a.yaml")
    assert "outside the project" in problems(tmp_path / "p", {})[0].message


@pytest.mark.parametrize("name", ["a" * 5000 + ".md", "x\\\\p.md", "~/p.md", "nul\\0.md"])
def test_a_file_name_that_cannot_be_one_is_refused(tmp_path, name):
    assert problems(tmp_path, {"features/a.yaml": PROMPTED.replace("p.md", f'"{name}"')})


def test_a_folder_in_place_of_a_file_is_a_problem(tmp_path):
    (tmp_path / "features/x.yaml").mkdir(parents=True)
    assert "cannot be read" in problems(tmp_path, {})[0].message


def test_warnings_do_not_stop_a_project(tmp_path):
    project = load(tmp_path, {"features/a.yaml": FEATURE.replace("@2025-04-14", "")})
    (warning,) = project.warnings
    assert (warning.file, warning.line, warning.path) == ("features/a.yaml", 5, "llm.targets[0]")
    assert "not pinned" in str(warning)
