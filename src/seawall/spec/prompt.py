"""Prompt files: a system section, examples, and perhaps a user section at the end; logic-less slots.

    --- system
    You answer questions about orders. Today is {{date}}.
    --- user
    Where is my parcel?
    --- assistant
    Could you tell me the order's number?
    --- user
    {{question}}

A line `--- ROLE` begins a section; `\\---` at the start of a line is a literal one. `{{name}}` is a slot,
`\\{{` a literal `{{`. There is nothing else: no conditions, no loops, no filters.
"""

import re
from typing import Literal

from msgspec import Struct

from seawall.core.errors import SpecError, SpecSyntaxError
from seawall.spec.problems import SpecErrors, did_you_mean

PromptRole = Literal["system", "user", "assistant"]
ROLES: tuple[PromptRole, ...] = ("system", "user", "assistant")

_HEADER = re.compile(r"--- *([^\s-]\S*) *\Z")
_BRACES = re.compile(r"\\\{\{|\{\{ ?([A-Za-z_][A-Za-z0-9_]{0,62}) ?\}\}|\{\{")


class Slot(Struct, frozen=True):
    """A place for a value."""

    name: str
    line: int = 0


class PromptPart(Struct, frozen=True):
    """One section of the prompt, which becomes one message."""

    role: PromptRole
    pieces: tuple[str | Slot, ...]
    line: int = 0

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its slots, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Slot))


class PromptTemplate(Struct, frozen=True):
    """A prompt with its slots. No two neighbouring parts have the same role, and `system` comes first."""

    parts: tuple[PromptPart, ...]

    @property
    def closing(self) -> PromptPart | None:
        """The user section at the end, which stands for the caller's last message."""
        return self.parts[-1] if self.parts[-1].role == "user" else None


def parse_prompt(text: str, file: str) -> PromptTemplate:
    """The template written in *text*. Raises `SpecErrors` with every problem; *file* is named in them."""
    return _Parser(file).parse(text)


class _Parser:
    """Reads one prompt file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[SpecError] = []

    def parse(self, text: str) -> PromptTemplate:
        parts: list[PromptPart] = []
        role: PromptRole | None = None
        begin, lines = 0, list[str]()
        for number, line in enumerate(text.splitlines(), 1):
            header = _HEADER.match(line)
            if header is None:
                if role is None and line.strip() and begin == 0:
                    begin = number
                    self._wrong("text before the first section", number, "Begin with a line: --- system")
                lines.append(line[1:] if line.startswith("\\---") else line)
                continue
            if role is not None:
                parts.append(self._part(role, begin, lines))
            role, begin, lines = self._role(header[1], number), number, []
        if role is not None:
            parts.append(self._part(role, begin, lines))
        self._check_order(parts)
        if self._problems:
            raise SpecErrors(self._problems)
        return PromptTemplate(tuple(parts))

    def _role(self, word: str, line: int) -> PromptRole:
        for role in ROLES:
            if word == role:
                return role
        hint = rf"Sections: {', '.join(ROLES)}. A literal line of this form begins with \---"
        self._wrong(f"unknown section {word!r}{did_you_mean(word, ROLES)}", line, hint)
        return "user"

    def _part(self, role: PromptRole, begin: int, lines: list[str]) -> PromptPart:
        first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
        text = "\n".join(lines[first:]).rstrip()
        if not text:
            self._wrong(f"section {role!r} is empty", begin, "Write its text, or take it out")
        return PromptPart(role, self._pieces(text, begin + 1 + first), begin)

    def _pieces(self, text: str, line: int) -> tuple[str | Slot, ...]:
        pieces: list[str | Slot] = []
        literal, at = "", 0
        for found in _BRACES.finditer(text):
            literal += text[at : found.start()]
            at = found.end()
            where = line + text.count("\n", 0, found.start())
            if found[1]:
                pieces += [literal, Slot(found[1], where)] if literal else [Slot(found[1], where)]
                literal = ""
                continue
            literal += "{{"
            if found[0] == "{{":
                seen = text[found.start() : found.start() + 24].splitlines()[0]
                self._wrong(
                    f"{seen!r} is not a slot", where, r"A slot is {{name}}; a literal {{ is written \{{"
                )
        literal += text[at:]
        return (*pieces, literal) if literal else tuple(pieces)

    def _check_order(self, parts: list[PromptPart]) -> None:
        if self._problems:
            return
        if not parts:
            self._wrong("the prompt is empty", 1, "Begin with a line: --- system")
        before: PromptRole | None = None
        for number, part in enumerate(parts):
            if part.role == "system" and number:
                self._wrong("section 'system' after another section", part.line, "There is one, at the top")
            elif part.role == "assistant" and before != "user":
                self._wrong("section 'assistant' without a user section before it", part.line)
            elif part.role == before:
                self._wrong(
                    "section 'user' after a user section", part.line, "Examples alternate user, assistant"
                )
            before = part.role

    def _wrong(self, message: str, line: int, hint: str = "") -> None:
        self._problems.append(SpecSyntaxError(message, file=self._file, line=line, hint=hint))
