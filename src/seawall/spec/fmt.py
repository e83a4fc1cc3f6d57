"""Canonical layout of spec files: sections in the order a call travels, two spaces, comments kept.

What cannot be laid out without losing a comment or changing a value is refused, never written.
"""

import io
import re
from collections import Counter
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent

from seawall.core.errors import SpecError
from seawall.spec.model import FeatureFile, ProcessFile
from seawall.spec.problems import Findings, Source, SpecErrors
from seawall.spec.yaml import Mapping, Node, Scalar, Sequence, parse_yaml

WIDTH = 110
"""Columns that a list in brackets or a mapping in braces may fill; a wider one goes one member a line."""
_ENDLESS = 1_000_000
_ROUNDS = 12
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)


def format_text(text: str, file: str) -> str:
    """The canonical layout of *text*. Raises `SpecErrors`; *file* is named in them."""
    tree = _read(text, file)
    done = text
    for _ in range(_ROUNDS):
        before, done = done, _lay_out(done, file)
        if done == before:
            break
    else:
        raise _refused(file, "its layout does not settle")
    if _plain(_read(done, file)) != _plain(tree):
        raise _refused(file, "a value would change")
    if _comments(done) != _comments(text):
        raise _refused(file, "a comment would be lost; write it on a line of its own, outside { } and [ ]")
    return done


def _lay_out(text: str, file: str) -> str:
    """One round: keys in order, then indentation and spacing, then what is too wide for its line."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _ENDLESS
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = _ordered(text, file)
    try:
        tree = yaml.load(text)
    except (YAMLError, ValueError) as error:  # it makes dates and numbers of what a load keeps as text
        raise _refused(file, f"put the value in quotes that is {error}") from error
    _break_wide(tree, text.splitlines())
    out = io.StringIO()
    yaml.dump(tree, out)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def _break_wide(node: Any, lines: list[str]) -> None:
    """Collections in braces or brackets that leave their line are written one member a line."""
    if not isinstance(node, CommentedMap | CommentedSeq):
        return
    line = lines[node.lc.line]
    if node.fa.flow_style() and len(line) > WIDTH and not _COMMENT.search(line):
        node.fa.set_block_style()  # where a comment follows it stays as it is: the comment would go astray
        return
    for inner in node.values() if isinstance(node, CommentedMap) else node:
        _break_wide(inner, lines)


def _ordered(text: str, file: str) -> str:
    """The text with its top-level keys in canonical order, one blank line before each section."""
    root = _read(text, file)
    lines = text.splitlines()
    if not isinstance(root, Mapping) or not root.items:
        return text
    starts = {name: line - 1 for name, (line, _) in root.items.items()}
    if any(lines[at].startswith((" ", "{", "?")) for at in starts.values()):
        return text  # not one key a line, as in a file that is one pair of braces
    begins = {name: _with_comments(lines, at) for name, at in starts.items()}
    ends = [*sorted(begins.values())[1:], len(lines)]
    ended = dict(zip(sorted(begins.values()), ends, strict=True))
    head = _trimmed(lines[: min(begins.values())])
    blocks: list[list[str]] = []
    for name in _order(list(starts)):
        block = _trimmed(lines[begins[name] : ended[begins[name]]])
        is_section = not isinstance(root.items[name][1], Scalar)
        blocks.append(["", *block] if is_section and (blocks or head) else block)
    return "\n".join([*head, *([""] if head else []), *(line for block in blocks for line in block)]) + "\n"


def _with_comments(lines: list[str], at: int) -> int:
    """Where the comment directly above line *at* begins."""
    while at and lines[at - 1].startswith("#"):
        at -= 1
    return at


def _trimmed(lines: list[str]) -> list[str]:
    """Without blank lines at either end."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    while kept and not kept[0].strip():
        kept.pop(0)
    return kept


def _order(names: Items[str]) -> list[str]:
    """*names* in the order of the file they belong to; unknown ones at the end."""
    section = FeatureFile if "feature" in names else ProcessFile
    planned = ("constraints", "delegation", "acceptance", "release")
    known = [field.name for field in msgspec.structs.fields(section)]
    if section is FeatureFile:
        at = known.index("input")
        known = [*known[:at], *planned[:2], *known[at:], *planned[2:]]
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _read(text: str, file: str) -> Node:
    findings = Findings()
    tree = parse_yaml(text, Source(Path("/", file), Path("/"), findings, {}))
    findings.raise_any()
    if tree is None:
        raise TypeError("a text without problems has a tree")
    return tree


def _plain(node: Node) -> Any:
    if isinstance(node, Mapping):
        return {name: _plain(inner) for name, (_, inner) in node.items.items()}
    if isinstance(node, Sequence):
        return [_plain(inner) for inner in node.items]
    return (type(node.value).__name__, node.value)


def _comments(text: str) -> Counter[str]:
    """The comments in *text*: what begins with a # outside of every value."""
    found: Counter[str] = Counter()
    at = 0
    spans = [
        (event.start_mark.index, event.end_mark.index)
        for event in YAML(typ="safe", pure=True).parse(text)
        if isinstance(event, ScalarEvent)
    ]
    for start, end in [*spans, (len(text), len(text))]:
        if start >= at:
            found.update(each.strip() for each in _COMMENT.findall(text[at:start]))
            at = end
    return found


def _refused(file: str, why: str) -> SpecErrors:
    return SpecErrors([SpecError(f"cannot be laid out: {why}", file=file)])
