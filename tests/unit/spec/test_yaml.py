from pathlib import Path

import pytest

from seawall.spec.problems import Findings, Source
from seawall.spec.yaml import (
    MOST_BYTES,
    MOST_VALUES,
    Mapping,
    Scalar,
    Sequence,
    parse_yaml,
    read_yaml,
    resolve,
)


def source(path=Path("/project/seawall.yaml")):
    return Source(path, path.parent, Findings(), {})


def problems(text):
    place = source()
    assert parse_yaml(text, place) is None
    return [(each.line, each.message) for each in place.findings.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("010", 10),
        ("0o10", 8),
        ("0x10", 16),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("-", "-"),
        (".", "."),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text, value):
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_a_quoted_scalar_is_text():
    assert parse_yaml("a: '10'", source()) == Mapping(1, {"a": (1, Scalar(1, "10", "10"))})


def test_nodes_know_their_lines():
    tree = parse_yaml("a:\n  - 1\n  - b: 2\n", source())
    assert tree.items["a"][0] == 1
    listed = tree.items["a"][1]
    assert isinstance(listed, Sequence)
    assert [item.line for item in listed.items] == [2, 3]


def test_every_duplicate_key_is_named_with_both_lines():
    place = source()
    assert parse_yaml("a: 1\nb: 2\na: 3\nb: 4\n", place) is None
    assert [(each.line, each.message, each.hint) for each in place.findings.problems] == [
        (3, "duplicate key 'a'", "It stands on line 1 already"),
        (4, "duplicate key 'b'", "It stands on line 2 already"),
    ]


def test_billion_laughs_ends_at_its_first_alias():
    text = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(9))
    assert problems(text)[-1] == (2, "an alias (*a) is not taken")


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!str", "!", "!local"])
def test_tags_are_refused(tag):
    assert "a tag" in problems(f"a: {tag} x\n")[0][1]


def test_too_many_values_are_refused_early():
    assert problems("[" + "a," * (MOST_VALUES + 5) + "]") == [
        (1, f"more than {MOST_VALUES} values is not taken")
    ]


def test_a_line_that_is_too_long_is_refused_before_it_is_parsed():
    assert problems("a: 1\n" + "!" * 1_000_000) == [(2, "a line longer than 65536 characters")]


def test_a_message_repeats_only_the_beginning_of_what_was_written():
    assert len(problems(f"a: !{'x' * 5000} 1\n")[0][1]) < 300


def test_a_tab_is_refused_where_it_stands():
    assert problems("a: 1\nb:\t2\n") == [(2, "a tab character is not taken")]


@pytest.mark.parametrize("break_", ["\x85", "\u2028", "\u2029"])
def test_line_breaks_that_editors_do_not_count_are_refused(break_):
    assert "an odd line break" in problems(f"a: 1\nb: x{break_}c: 2\n")[0][1]


@pytest.mark.parametrize("directive", ["%YAML 1.1", "%YAML 7.9", "%TAG ! tag:x,2000:", "%FOO"])
def test_directives_are_refused(directive):
    assert problems(f"{directive}\n---\na: 1\n") == [(1, "a directive (%) is not taken")]


def test_a_control_character_is_refused():
    assert problems("a: 1\nb: \x07\n")[0][0] == 2


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "seawall.yaml").write_bytes(b"#" * (MOST_BYTES + 1))
    place = source(tmp_path / "seawall.yaml")
    assert read_yaml(place) is None
    assert "larger than" in place.findings.problems[0].message


def test_a_file_that_is_not_utf_8_is_refused_on_its_line(tmp_path):
    (tmp_path / "seawall.yaml").write_bytes(b"a: 1\nb: \xff\n")
    place = source(tmp_path / "seawall.yaml")
    assert read_yaml(place) is None
    assert place.findings.problems[0].line == 2


def test_a_syntax_error_does_not_show_the_text_around_it():
    place = source()
    parse_yaml("key: 'sk-secret\nb: 1\n", place)
    assert place.findings.problems
    assert "sk-secret" not in str(place.findings.problems[0])
