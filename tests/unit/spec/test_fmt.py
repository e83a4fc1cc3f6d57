import pytest

from seawall.spec.fmt import WIDTH, format_text
from seawall.spec.problems import SpecErrors

MESSY = """\
# Head of the file.

llm:   # which model
    targets: [ openai/a@1,openai/b@1 ]
# about the input
input: {size: 1 KiB}   # small


intent:
  owner: 'ana'
  purpose: >
    Two
    lines.
feature: a
seawall: 1
"""
TIDY = """\
# Head of the file.

seawall: 1
feature: a

intent:
  owner: 'ana'
  purpose: >
    Two
    lines.

# about the input
input: {size: 1 KiB}   # small

llm:   # which model
  targets: [openai/a@1, openai/b@1]
"""


def test_sections_come_in_order_with_their_comments():
    assert format_text(MESSY, "a.yaml") == TIDY


def test_formatting_twice_changes_nothing():
    assert format_text(TIDY, "a.yaml") == TIDY


def test_a_list_too_wide_for_its_line_goes_one_member_a_line():
    targets = [f"openai/model-{number}@1" for number in range(8)]
    text = format_text(f"llm:\n  targets: [{', '.join(targets)}]\n", "a.yaml")
    assert text == "llm:\n  targets:\n" + "".join(f"    - {target}\n" for target in targets)
    assert max(map(len, text.splitlines())) <= WIDTH


def test_process_files_have_their_own_order():
    assert (
        format_text("drain: 1 s\nlisten: a:1\nseawall: 1\n", "s.yaml")
        == "seawall: 1\nlisten: a:1\ndrain: 1 s\n"
    )


def test_a_comment_that_would_be_lost_stops_it():
    text = "llm: {targets: [a, # first\n  b]}\n"
    try:
        assert "# first" in format_text(text, "a.yaml")
    except SpecErrors as errors:
        assert "comment" in str(errors)  # noqa: PT017  # either outcome is sound; losing it is not


def test_an_impossible_date_is_no_crash():
    with pytest.raises(SpecErrors, match="put the value in quotes"):
        format_text("a: 2024-13-45\n", "a.yaml")


def test_what_is_not_yaml_is_refused():
    with pytest.raises(SpecErrors, match="duplicate key"):
        format_text("a: 1\na: 2\n", "a.yaml")
