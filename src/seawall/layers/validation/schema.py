"""JSON output against its schema: compiled once, strict about the text, bounded in its complaints."""

import itertools
import json
import re
from array import array
from typing import Any

import jsonschema_rs
import msgspec
from jsonschema_rs import ValidationError
from msgspec import Struct

from seawall.core.errors import SpecError
from seawall.core.json_schema import UnfitSchema, compile_schema
from seawall.layers.validation.shape import Shape, compile_shape

MAX_VIOLATIONS = 10
MAX_MESSAGE = 240
"""Characters of one violation's message; its path takes at most 120 more."""
MAX_DEPTH = 128
"""Containers within containers in an answer."""


class Violation(Struct, frozen=True):
    """One way in which an answer breaks its form. Quotes names and the schema, never values of the answer."""

    path: str
    """A JSON pointer into the answer; empty for the whole."""
    message: str
    kind: str
    """The keyword of the schema that was broken, or `json` when the text is not JSON."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Checked(Struct, frozen=True):
    """An answer after its check. `value` is what the text says, `None` also when it says nothing."""

    value: Any
    violations: tuple[Violation, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the answer may be used."""
        return not self.violations


class OutputSchema:
    """A schema that answers must meet, compiled once and used by any number of calls.

    Raises `SpecError` with everything that is wrong: what is no JSON Schema, references out of the document,
    patterns that cannot be matched in linear time (look-around, back-references), and sizes or references
    that make checking explode. Compiling takes about 0.1 to 1 ms, a check of a valid answer about 10 us
    for each KB.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        try:
            self._validator = compile_schema(schema, jsonschema_rs)
        except UnfitSchema as error:
            first, *others = map(str, error.flaws)
            raise SpecError(
                f"output schema cannot be used: {first}",
                hint="\n".join(others) or "change the schema; see the limits on output schemas",
            ) from error
        self.schema = schema
        self.shape: Shape = compile_shape(schema)

    def accepts(self, value: Any) -> bool:
        """Whether *value*, as decoded from JSON, meets the schema."""
        try:
            return bool(self._validator.is_valid(value))
        except ValueError:  # what no JSON document can hold, such as half a surrogate pair
            return False

    def check(self, text: str) -> Checked:
        """Whether *text* is JSON in the strict sense, and meets the schema."""
        try:
            value = decode(text)
        except NotJson as error:
            return Checked(None, (Violation("", str(error), "json"),))
        if self.accepts(value):
            return Checked(value)
        return Checked(value, self.violations(value))

    def violations(self, value: Any) -> tuple[Violation, ...]:
        """How *value* breaks the schema, the first ten ways."""
        try:
            errors = list(itertools.islice(self._validator.iter_errors(value), MAX_VIOLATIONS))
        except ValueError as error:
            return (Violation("", _short(f"not a JSON value: {error}"), "json"),)
        return tuple(
            Violation(_pointer(error.instance_path), _short(_message(error)), error.kind.name)
            for error in errors
        )


class NotJson(ValueError):
    """The text is not JSON; the message says why without quoting it at length."""


def decode(text: str) -> Any:
    """The value of *text*; raises `NotJson` also for what most readers let pass.

    That is: keys that occur twice, `NaN` and `Infinity`, numbers no double holds, halves of surrogate
    pairs, and nesting beyond `MAX_DEPTH`.
    """
    value = _proven(text)
    return _decode_warily(text) if value is _UNSURE else value


def _proven(text: str) -> Any:
    """The value of *text* where it is cheap to prove that there is nothing against it, else `_UNSURE`.

    The parser itself refuses all but two things. A key that occurs twice it drops, and so the value written
    out again has fewer quotation marks than the text; only one spelled as an escape blurs the count. And it
    goes deeper than we do.
    """
    try:
        value = _DECODER.decode(text)
        escaped = "\\" in text and "\\u0022" in text  # the first is found ten times faster
        if escaped or _ENCODER.encode(value).count(b'"') != text.count('"'):
            return _UNSURE
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return _UNSURE
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth_of_json(text) > MAX_DEPTH:
        return _UNSURE
    return value


def _depth_of_json(text: str) -> int:
    """Containers within containers in *text*, which must be JSON."""
    raw = text.encode()
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    shape = raw.translate(_STEPS, _NO_STEPS)
    shape = shape.replace(b'""', b"")  # strings without brackets; what is left still pairs up
    if b'"' in shape:
        shape = b"".join(shape.split(b'"')[::2])
    return max(itertools.accumulate(array("b", shape)), default=0)


_UNSURE = object()
_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # read as signed: one deeper, one up
_NO_STEPS = bytes(set(range(256)) - set(b'{}[]"'))


def _decode_warily(text: str) -> Any:
    """As `decode`, step by step and with the reason for a refusal: about ten times slower."""
    if (text.count("[") + text.count("{") > MAX_DEPTH) and _depth(text) > MAX_DEPTH:
        raise NotJson(f"nested more than {MAX_DEPTH} levels deep")
    try:
        value = _STRICT.decode(text)
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise NotJson(f"not JSON: {error}") from error
    if _MAYBE_LONE.search(text) and _LONE.search(json.dumps(value, ensure_ascii=False)):
        raise NotJson("half of a surrogate pair in a string")
    return value


def _depth(text: str) -> int:
    deepest = depth = 0
    for found in _BRACKETS.finditer(text):
        char = found[0]
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


_BRACKETS = re.compile(r'[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MAYBE_LONE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_LONE = re.compile(r"[\ud800-\udfff]")


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its members, for `json`; raises `NotJson` if a key occurs twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(names) if key in names[:at])
        raise NotJson(f"key {twice[:60]!r} occurs twice in one object")
    return members


def refuse_constant(name: str) -> Any:
    """For `json`: `NaN` and `Infinity` are not JSON."""
    raise NotJson(f"{name} is not JSON")


def _finite(token: str) -> float:
    number = float(token)
    if number - number != 0.0:
        raise NotJson(f"number out of range: {token[:40]}")
    return number


_STRICT = json.JSONDecoder(
    object_pairs_hook=unique_members, parse_constant=refuse_constant, parse_float=_finite
)


def _pointer(path: list[str | int]) -> str:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    pointer = "".join(f"/{step}" for step in steps)
    return _short(_printable(pointer), 120)


def _message(error: ValidationError) -> str:
    kind = error.kind
    details = kind.as_dict()
    match kind.name:
        case "required":
            return f"{_name(details['property'])} is missing"
        case "type":
            return f"must be of type {' or '.join(details['types'])}"
        case "additionalProperties" | "unevaluatedProperties":
            unexpected = ", ".join(_name(name) for name in details["unexpected"][:5])
            return f"must not have {unexpected}"
        case "anyOf" | "oneOf" if "context" in details:
            return _closest(details["context"], kind.name)
        case "enum":
            options = ", ".join(json.dumps(option, ensure_ascii=False) for option in details["options"][:12])
            return f"must be one of {options}"
        case "const":
            return f"must be {json.dumps(details['expected_value'], ensure_ascii=False)}"
        case _:
            return _printable(error.message)


def _closest(context: list[list[ValidationError]], word: str) -> str:
    if word == "oneOf" and not all(context):
        return "meets more than one of the alternatives; it must meet exactly one"
    errors = min(context, key=len, default=[])
    closest = f"; closest: {_pointer(errors[0].instance_path)} {_message(errors[0])}" if errors else ""
    return f"meets none of the {len(context)} alternatives{closest}"


def _name(key: str) -> str:
    return repr(_short(key, 60))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _short(text: str, most: int = MAX_MESSAGE) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
