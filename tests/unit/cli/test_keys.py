"""`seawall keys`: shown once, kept as a hash, revoked for good."""

import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seawall.cli.keys import keys
from seawall.core.ports import ApiKey, Store
from seawall.runtime.pepper import load_pepper
from seawall.runtime.project import open_project_store, read_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seawall.yaml").write_text("seawall: 1\n")
    return tmp_path


@pytest.fixture
def store(project: Path) -> Iterator[Store]:
    store = open_project_store(project)
    yield store
    store.close()


def run(*args: str) -> Result:
    return CliRunner().invoke(keys, args)


def only(store: Store) -> ApiKey:
    (key,) = store.list_keys()
    return key


def test_a_key_is_printed_once_and_only_its_hash_is_kept(project: Path, store: Store) -> None:
    done = run("create", "--name", "ci", "--tenant", "acme", "--feature", "a", "--feature", "b")
    assert done.exit_code == 0, done.output
    key = done.stdout.strip()
    assert re.fullmatch(r"sw-[A-Za-z0-9_-]{43}", key)
    kept = only(store)
    pepper = load_pepper(read_project(project).state_folder)
    assert kept.digest == hmac.digest(pepper, key.encode(), "sha256")
    assert (kept.tenant, kept.name, kept.features, kept.admin, kept.expires) == (
        "acme",
        "ci",
        ("a", "b"),
        False,
        None,
    )
    files = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert not any(key.encode() in content for content in files)
    assert key not in run("list").output + run("list", "--json").output


def test_a_key_can_expire_and_be_for_everything(store: Store) -> None:
    assert run("create", "--name", "n", "--expires", "30d", "--admin").exit_code == 0
    kept = only(store)
    assert kept.expires == pytest.approx(kept.created + 30 * 86400)
    assert kept.features is None
    assert kept.admin


def test_keys_are_listed_with_their_state(store: Store) -> None:
    for name, changes in {"in force": {}, "expired": {"expires": 2.0}, "revoked": {"revoked": 3.0}}.items():
        store.add_key(ApiKey("k-" + name[0:2], name.encode(), "t", f"x\x1b{name}", 1.0, **changes))
    done = run("list")
    assert done.exit_code == 0
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip().startswith("k-")}
    assert rows["k-in"].rstrip().endswith("in force")
    assert "expired 1970-01-01" in rows["k-ex"]
    assert "revoked 1970-01-01" in rows["k-re"]
    assert "\x1b" not in done.output
    assert {each["id"] for each in json.loads(run("list", "--json").stdout)} == set(rows)


def test_a_key_is_revoked_once(store: Store) -> None:
    run("create", "--name", "n")
    name = only(store).id
    assert run("revoke", name).exit_code == 0
    assert only(store).revoked is not None
    again = run("revoke", name)
    assert again.exit_code == 1
    assert "no key" in again.stderr


def test_without_keys_the_list_says_how_to_make_one(project: Path) -> None:
    done = run("list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "seawall keys create" in done.stderr


@pytest.mark.parametrize("wrong", [[], ["--name", "n", "--expires", "soon"]])
def test_a_wrong_command_ends_with_2(project: Path, wrong: list[str]) -> None:
    assert run("create", *wrong).exit_code == 2
