"""A text that a regular expression accepts, for the common subset that JSON Schemas use."""

import re
from typing import Final

_CLASSES: Final = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t"}


def instance(pattern: str) -> str | None:
    """The simplest text this could make that matches *pattern*; `None` when it could make none."""
    try:
        text, end = _alternatives(pattern, 0)
        return text if end == len(pattern) and re.search(pattern, text) else None
    except (re.error, IndexError, ValueError, RecursionError):
        return None


def _alternatives(pattern: str, at: int) -> tuple[str, int]:
    """The first alternative of a group, and the place after all of them."""
    first: str | None = None
    text = ""
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            first = text if first is None else first
            text, at = "", at + 1
            continue
        piece, at = _atom(pattern, at)
        least, at = _repeats(pattern, at)
        text += piece * least
    return (text if first is None else first), at


def _atom(pattern: str, at: int) -> tuple[str, int]:
    sign = pattern[at]
    if sign == "(":
        opened = re.compile(r"\((?:\?(?::|P?<\w+>))?").match(pattern, at)
        text, at = _alternatives(pattern, opened.end() if opened else at + 1)
        return text, at + 1
    if sign == "[":
        return _charset(pattern, at + 1)
    if sign == "\\":
        return _CLASSES.get(pattern[at + 1], "" if pattern[at + 1] in "bBAZz" else pattern[at + 1]), at + 2
    if sign in "^$":
        return "", at + 1
    return ("a" if sign == "." else sign), at + 1


def _charset(pattern: str, at: int) -> tuple[str, int]:
    negated = pattern[at] == "^"
    start = at = at + negated
    while pattern[at] != "]" or at == start:
        at += 2 if pattern[at] == "\\" else 1
    inside = pattern[start:at]
    if negated:
        probe = re.compile(f"[^{inside}]")
        return next(sign for sign in "aA0 -_.~" if probe.match(sign)), at + 1
    return (_CLASSES.get(inside[1], inside[1]) if inside[0] == "\\" else inside[0]), at + 1


def _repeats(pattern: str, at: int) -> tuple[int, int]:
    """How often the atom before *at* is to be written, and the place after the quantifier."""
    least = 1
    if at < len(pattern) and pattern[at] in "*?+":
        least, at = (1 if pattern[at] == "+" else 0), at + 1
    elif found := re.compile(r"\{(\d*)(?:,\d*)?\}").match(pattern, at):
        least, at = int(found[1] or 0), found.end()
    else:
        return 1, at
    return least, at + (at < len(pattern) and pattern[at] in "?+")
