"""A strict subset of YAML 1.2, read into nodes that know their lines.

Taken: mappings with text keys, sequences, scalars of the core schema (`NO` is text, `010` is ten).
Refused: duplicate keys, anchors, aliases, tags, merge keys, directives, several documents, tabs, and
anything beyond the caps below.
"""

import re
from typing import Any

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from seawall.spec.problems import Source, syntax_problem

MOST_BYTES = 1024 * 1024
MOST_COLUMNS = 64 * 1024
"""Characters in one line: some lines cost the parser time in the square of their length."""
MOST_DEPTH = 32
MOST_VALUES = 10_000
"""Values in one file: what is read costs about 50 us a value."""

_ODD = re.compile(r"[\t\x85\u2028\u2029]|^%", re.MULTILINE)
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_DIGITS = 300
_SHOWN = 200
"""Characters of what was written that a message repeats."""


class Scalar(Struct, frozen=True):
    """One value; `text` is what was written, `value` what it means."""

    line: int
    text: str
    value: str | int | float | bool | None


class Sequence(Struct, frozen=True):
    """Values in order."""

    line: int
    items: tuple["Node", ...]


class Mapping(Struct, frozen=True):
    """Values by name; each with the line of its key."""

    line: int
    items: dict[str, tuple[int, "Node"]]


Node = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """What *node* is, for a message."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "empty"
    return {bool: "a truth value", str: "text"}.get(type(node.value), "a number")


def read_yaml(source: Source) -> Node | None:
    """The nodes of a file, or `None` after remembering every reason why not."""
    text = read_text(source)
    return None if text is None else parse_yaml(text, source)


def parse_yaml(text: str, source: Source) -> Node | None:
    """The nodes of *text*, or `None` after remembering in *source* every reason why not."""
    odd = _ODD.search(text)
    if odd:
        what = {"\t": "a tab character", "%": "a directive (%)"}.get(
            odd[0], f"an odd line break ({odd[0]!a})"
        )
        hint = r"Indent with spaces; inside quotes write \t" if odd[0] == "\t" else ""
        syntax_problem(source, f"{what} is not taken", text.count("\n", 0, odd.start()) + 1, hint)
        return None
    for number, written in enumerate(text.split("\n"), 1):
        if len(written) > MOST_COLUMNS:
            syntax_problem(source, f"a line longer than {MOST_COLUMNS} characters", number)
            return None
    before = len(source.findings.problems)
    builder = _Builder(source)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if not builder.take(event):
                return None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        syntax_problem(source, _plain(error), line, _flow_hint(text, line))
        return None
    except YAMLError as error:
        syntax_problem(source, f"cannot be read as text: {_reason(error)}", _line_of(error, text))
        return None
    if len(source.findings.problems) > before:
        return None
    if builder.root is None:
        syntax_problem(source, "the file is empty", 1, "Its first line is `seawall: 1`")
        return None
    return builder.root


def read_text(source: Source) -> str | None:
    """The file's text, or `None` after remembering why not."""
    try:
        with source.path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        syntax_problem(source, f"cannot be read: {error.strerror}", 1)
        return None
    if len(raw) > MOST_BYTES:
        syntax_problem(source, f"the file is larger than {MOST_BYTES} bytes", 1)
        return None
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        syntax_problem(source, "the file is not UTF-8", raw.count(b"\n", 0, error.start) + 1)
        return None


def resolve(text: str) -> str | int | float | bool | None:
    """What a plain scalar means in YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]  # type: ignore[no-any-return]
    first = text[0]
    if (first.isdigit() or first in "-+.") and len(text) <= _MOST_DIGITS:
        if _INT.match(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.match(text):
            return float(text)
    return text


class _Open:
    """A collection while its members are read."""

    __slots__ = ("is_mapping", "items", "key", "key_line", "line", "named")

    def __init__(self, line: int, *, is_mapping: bool) -> None:
        self.line = line
        self.is_mapping = is_mapping
        self.items: list[Node] = []
        self.named: dict[str, tuple[int, Node]] = {}
        self.key: str | None = None
        self.key_line = 0


class _Builder:
    """Makes nodes of parser events. Whatever is refused is remembered; reading goes on where it can."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stack: list[_Open] = []
        self._values = 0
        self._documents = 0
        self.root: Node | None = None

    def take(self, event: Any) -> bool:
        """Take one event; false when reading cannot go on."""
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            self._refuse(f"an alias (*{event.anchor})", line)
            return False
        if isinstance(event, DocumentStartEvent):
            return self._document(line)
        if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent):
            return self._value(event, line)
        if isinstance(event, SequenceEndEvent | MappingEndEvent):
            done = self._stack.pop()
            if done.is_mapping:
                self._place(Mapping(done.line, done.named), line)
            else:
                self._place(Sequence(done.line, tuple(done.items)), line)
        return True

    def _document(self, line: int) -> bool:
        self._documents += 1
        if self._documents > 1:
            self._refuse("a second document (---)", line)
            return False
        return True

    def _value(self, event: Any, line: int) -> bool:
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse(f"more than {MOST_VALUES} values", line, "Split the file")
            return False
        if event.anchor is not None:
            self._refuse(f"an anchor (&{event.anchor})", line)
        if event.tag is not None:
            self._refuse(f"a tag ({event.tag})", line)
        if isinstance(event, ScalarEvent):
            plain = event.style is None or event.style == ""
            value = resolve(event.value) if plain else event.value
            self._place(Scalar(line, event.value, value), line)
            return True
        if len(self._stack) >= MOST_DEPTH:
            self._refuse(f"nesting deeper than {MOST_DEPTH} levels", line)
            return False
        self._stack.append(_Open(line, is_mapping=isinstance(event, MappingStartEvent)))
        return True

    def _place(self, node: Node, line: int) -> None:
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key, parent.key_line = self._key(node), line
        else:
            if parent.key not in parent.named:
                parent.named[parent.key] = (parent.key_line, node)
            elif parent.key:
                first = parent.named[parent.key][0]
                message = f"duplicate key {parent.key!r}"
                syntax_problem(self._source, message, parent.key_line, f"It stands on line {first} already")
            parent.key = None

    def _key(self, node: Node) -> str:
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
            if node.text == "<<":
                self._refuse("a merge key (<<)", node.line)
            return node.value
        what = repr(node.text) if isinstance(node, Scalar) else describe(node)
        self._refuse(f"{what} as a key", node.line, "Keys are text; put it in quotes if it is meant as text")
        return ""

    def _refuse(self, what: str, line: int, hint: str = "") -> None:
        hint = hint or "Spec files are a strict subset of YAML: write the value out where it is used"
        syntax_problem(self._source, f"{what[:_SHOWN]} is not taken", line, hint)


def _plain(error: MarkedYAMLError) -> str:
    """The parser's words on one line, without the excerpt it adds (which could show a secret)."""
    begun = error.context_mark
    context = f"{error.context} begun on line {begun.line + 1}" if error.context and begun else error.context
    said = "; ".join(str(each) for each in (context, error.problem) if each)
    return f"not YAML: {' '.join(said.split())}"


def _reason(error: YAMLError) -> str:
    return " ".join(str(getattr(error, "reason", "") or "a character that is not allowed").split())


def _line_of(error: YAMLError, text: str) -> int:
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


def _flow_hint(text: str, line: int) -> str:
    written = text.splitlines()[line - 1 : line]
    if written and "${" in written[0]:
        return 'Inside { } a variable needs quotes: "${NAME}"'
    return ""
