"""Find the values that stand in a text: in prose, fences and tags, behind reasoning, or as all of it."""

import json
import re
from typing import Any

from seawall.layers.validation.schema import refuse_constant, unique_members
from seawall.layers.validation.tokens import Budget, Unreadable, read_float
from seawall.layers.validation.tolerant import Reader, Reading

MAX_READINGS = 8
"""Values in one text that are looked at; with more of them nobody can say which is the answer."""
MAX_BRACKETS = 500
"""Brackets in prose that are looked behind."""

_THOUGHT = r"(?:think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad)>"
_REASONING = re.compile(rf"[\s\ufeff]*<{_THOUGHT}", re.IGNORECASE)
_REASONING_END = re.compile(rf"</{_THOUGHT}", re.IGNORECASE)
_OPENER = re.compile(r"[{\[]")
_BLANK = re.compile(r"[\s\ufeff\u200b\u2060]*")
_GOES_ON = re.compile(r"[\s}\]]*+[,:]\s*+[\"'“{\[}\]]")
_FENCE = re.compile(r"```|~~~")
_FENCED = re.compile(r"\s*(?:```|~~~)\w*+\s*\n(.*?)(?:```|~~~)?\s*", re.DOTALL)
_TAG = re.compile(r"<[/|]?\w[\w|]*>")

_EMBEDDED = json.JSONDecoder(
    object_pairs_hook=unique_members, parse_constant=refuse_constant, parse_float=read_float
)


def readings(text: str, budget: Budget) -> list[Reading]:
    """Every value that stands on its own in *text*; raises `Unreadable` if one cannot be read."""
    start = _after_reasoning(text)
    around = {"reasoning"} if start else set()
    if text[:1] == "\ufeff" or "\xa0" in text:
        around.add("bom")
    whole = _whole(text, start, len(text), budget)
    if whole is None and (fenced := _FENCED.fullmatch(text, start)) is not None:
        whole = _whole(text, *fenced.span(1), budget)
        around |= {"fence"} if whole is not None else set()
    if whole is not None:
        return [_with(whole, around)]
    values: list[Reading] = []
    position, brackets = start, 0
    between: list[str] = []
    while (found := _OPENER.search(text, position)) is not None:
        reading = _read_at(text, found.start(), budget)
        if isinstance(reading, int):
            brackets += 1
            if brackets > MAX_BRACKETS:
                raise Unreadable(f"more than {MAX_BRACKETS} brackets that hold no value")
            between.append(text[position:reading])
            position = reading
            continue
        between.append(text[position : found.start()])
        values.append(reading)
        position = reading.end
        if _GOES_ON.match(text, position):
            raise Unreadable(f"the value that ends at {position} is only a part of one")
        if len(values) > MAX_READINGS:
            raise Unreadable(f"more than {MAX_READINGS} values in one text")
    around |= _surroundings("".join(between) + text[position:])
    return [_with(reading, around) for reading in values]


def _after_reasoning(text: str) -> int:
    """Where the answer begins: behind reasoning in tags, also if only its end is marked.

    Raises `Unreadable` if reasoning was begun and not ended.
    """
    end = _REASONING_END.search(text)
    if end is None:
        if _REASONING.match(text):
            raise Unreadable("reasoning without an end: whatever is in it is not the answer")
        return 0
    opener = text.find("{", 0, end.start())
    return end.end() if opener < 0 or _REASONING.match(text) else 0


def _surroundings(text: str) -> set[str]:
    said = set()
    if _FENCE.search(text):
        said.add("fence")
        text = re.sub(r"(?:```|~~~)\w*", "", text)
    if _TAG.search(text):
        said.add("tags")
        text = _TAG.sub("", text)
    if not _BLANK.fullmatch(text):
        said.add("prose")
    return said


def _with(reading: Reading, fixes: set[str]) -> Reading:
    return Reading(reading.value, reading.end, reading.fixes | fixes) if fixes else reading


def _whole(text: str, start: int, end: int, budget: Budget) -> Reading | None:
    """*text* between *start* and *end* as one JSON value, one JSON string that holds it, or one word."""
    said = text[start:end].strip().strip("\ufeff")
    try:
        value, at = _EMBEDDED.raw_decode(said)
        reading = Reading(value, at, frozenset())
    except (ValueError, RecursionError):
        if not said or said[0] in "{[":
            return None
        try:
            reading = Reader(said, budget).read(0)
        except Unreadable:
            return None
    if not _BLANK.fullmatch(said, reading.end):
        return None
    return _with(reading, {"json_string"}) if said[0] == '"' else reading


def _read_at(text: str, at: int, budget: Budget) -> Reading | int:
    """The value that begins at *at*; if that bracket is only part of the prose, where to look on."""
    try:
        value, end = _EMBEDDED.raw_decode(text, at)
        return Reading(value, end, frozenset())
    except json.JSONDecodeError as error:
        budget.spend((error.pos - at) // 64)
    except RecursionError as error:
        raise Unreadable(f"what begins at {at} is nested too deeply") from error
    except ValueError:
        budget.spend()
    on, members = len(text), False
    for loose in (False, True):
        reader = Reader(text, budget, loose=loose)
        try:
            return reader.read(at)
        except Unreadable:
            if reader.members or budget.left <= 0:
                members = True
            on = min(on, reader.at)
    if members:
        raise Unreadable(f"what begins at {at} cannot be read")
    return max(on, at + 1)


def read_text(text: str, budget: Budget) -> Any:
    """JSON that stands in a string, with nothing around it."""
    try:
        value, end = _EMBEDDED.raw_decode(text)
    except (ValueError, RecursionError):
        reading = Reader(text, budget).read(0)
        value, end = reading.value, reading.end
    if not _BLANK.fullmatch(text, end):
        raise Unreadable("something stands behind the JSON in a string")
    return value


def read_cut(text: str, budget: Budget) -> Any:
    """The last value of a text that may be cut anywhere, `None` if there is none yet."""
    value: Any = None
    start = _after_reasoning(text)
    for _ in range(MAX_BRACKETS):
        found = _OPENER.search(text, start)
        if found is None:
            break
        reader = Reader(text, budget, cut=True)
        reading = reader.read(found.start())
        if reader.closed or reader.members or reading.end == len(text):
            value = reading.value
            if not reader.closed:
                break
        start = max(reading.end, found.end())
    return value
