import pytest

from seawall.spec.problems import SpecErrors
from seawall.spec.prompt import PromptPart, PromptTemplate, Slot, parse_prompt


def test_sections_become_parts_and_braces_become_slots():
    text = "--- system\nBe kind.\n\n--- user\nAbout {{topic}}: {{ question }}\n"
    assert parse_prompt(text, "p.md") == PromptTemplate(
        (
            PromptPart("system", ("Be kind.",), 1),
            PromptPart("user", ("About ", Slot("topic", 5), ": ", Slot("question", 5)), 4),
        )
    )


def test_what_is_escaped_is_literal():
    template = parse_prompt("--- system\n\\{{x}} and }} and {\n\\--- user\n---\n", "p.md")
    assert template.parts[0].pieces == ("{{x}} and }} and {\n--- user\n---",)


def test_a_user_section_at_the_end_takes_the_callers_message():
    assert parse_prompt("--- system\na\n", "p.md").closing is None
    assert parse_prompt("--- user\na\n", "p.md").closing.role == "user"


def test_examples_alternate():
    text = "--- system\ns\n--- user\na\n--- assistant\nb\n--- user\nc\n--- assistant\nd\n"
    assert [part.role for part in parse_prompt(text, "p.md").parts] == ["system", *["user", "assistant"] * 2]


@pytest.mark.parametrize("slot", ["{{}}", "{{#if x}}", "{{a.b}}", "{{a|upper}}", "{{ a", "{{{a}}", "{{a b}}"])
def test_there_is_nothing_but_names_in_slots(slot):
    with pytest.raises(SpecErrors, match="is not a slot"):
        parse_prompt(f"--- system\n{slot}\n", "p.md")


def test_every_problem_of_a_prompt_is_told_with_its_line():
    with pytest.raises(SpecErrors) as caught:
        parse_prompt("hello\n--- systm\na {{}}\n\nb {{}}\n--- user\n", "p.md")
    assert [each.line for each in caught.value.problems] == [1, 2, 3, 5, 6]
