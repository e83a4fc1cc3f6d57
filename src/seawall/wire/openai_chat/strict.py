"""Reading a request body so strictly that there is one way to understand it.

JSON parsers differ on duplicate keys (first, last, error), on NaN and on broken Unicode. A guard that reads
a body one way in front of a model that reads it another way guards nothing; so all of that is refused here,
and what goes upstream is written anew from what was understood.

Duplicate keys are found by counting: a parser that meets a key twice keeps one, so that what was parsed,
written out again, has fewer quotation marks than the body. Nothing else changes their number, except where
one was spelled `\\u0022`; and at the top level a field unknown to the typed struct. In those rare cases the
body is read again, generically or key by key.
"""

import json
import re
from typing import Any

import msgspec

from seawall.core.errors import InvalidRequest
from seawall.wire.openai_chat.schema import Request

MOST_DEPTH = 64
"""Objects and arrays within each other."""

_SHOWN = 80  # characters of a wrong value that an error repeats
_MOST_PATH = 200  # characters of the place it names

_DECODER = msgspec.json.Decoder(Request)
_ANY_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_FIELDS = frozenset(Request.__struct_fields__)

_NEITHER_BRACKETS_NOR_QUOTES = bytes(set(range(256)) - set(b'{}[]"'))
_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def parse(body: bytes) -> tuple[Request, dict[str, Any] | None]:
    """The request in *body*, and its fields that the dialect does not know (`None` if there are none).

    Raises `InvalidRequest` that names the field, the value and what was expected.
    """
    try:
        request = _DECODER.decode(body)
        if request.tools or request.response_format:
            check_depth(body)  # nowhere else can a struct hold anything deep
        if (b"\\" not in body or b"\\u0022" not in body) and _quotes(request) == body.count(b'"'):
            return request, None
        return request, _other_fields(body)
    except msgspec.ValidationError as error:
        raise _invalid(body, str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not valid UTF-8: {error.reason}") from None
    except RecursionError:
        raise _too_deep() from None


def check_depth(body: bytes) -> None:
    """Refuse *body*, which has to be valid JSON, if it is nested deeper than `MOST_DEPTH`."""
    if body.count(b"{") + body.count(b"[") <= MOST_DEPTH:
        return
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    shape = body.translate(_AS_BRACES, _NEITHER_BRACKETS_NOR_QUOTES)
    shape = shape.replace(
        b'""', b""
    )  # strings without brackets; of neighbours it may make one, which is as good
    if b'"' in shape:
        shape = b"".join(shape.split(b'"')[::2])
    for _ in range(MOST_DEPTH):
        if not shape:
            return
        shape = shape.replace(b"{}", b"")  # each round takes off the innermost level
    if shape:
        raise _too_deep()


def _quotes(value: Any) -> int:
    return _ENCODER.encode(value).count(b'"')


def _other_fields(body: bytes) -> dict[str, Any] | None:
    check_depth(body)
    tree = _ANY_DECODER.decode(body)
    if b"\\u0022" in body or _quotes(tree) != body.count(b'"'):
        _refuse_duplicates(body)
    return {name: value for name, value in tree.items() if name not in _FIELDS and value is not None} or None


def _refuse_duplicates(body: bytes) -> None:
    def check(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise InvalidRequest(f"the key {_shown(name)} occurs twice in an object", param=name[:_SHOWN])
            seen.add(name)

    # Numbers are not read: they have been, and some are more than `int` takes.
    json.loads(body, object_pairs_hook=check, parse_int=len, parse_float=len)


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"the body is nested deeper than {MOST_DEPTH} levels")


def _invalid(body: bytes, complaint: str) -> InvalidRequest:
    """Say what *complaint*, in the parser's words, means to a caller."""
    reason, param = _place(complaint)
    try:
        tree = _ANY_DECODER.decode(body)
        check_depth(body)
        _refuse_duplicates(body)
    except InvalidRequest as error:
        return error
    except msgspec.ValidationError:  # a number beyond all bounds: there is no value to show
        return InvalidRequest(f"{param or 'the body'}: {reason}", param=param)
    except msgspec.DecodeError as error:
        return InvalidRequest(f"the body is not valid JSON: {error}")
    except UnicodeDecodeError as error:
        return InvalidRequest(f"the body is not valid UTF-8: {error.reason}")
    except RecursionError:
        return _too_deep()
    if reason.startswith("object "):  # a field is missing, or should not be there
        field = reason.split("'")[1][:_MOST_PATH]
        param = f"{param}.{field}" if param else field
        what = "unknown field" if "unknown" in reason else "missing field"
        return InvalidRequest(f"{what} {param!r}", param=param)
    value = _value_at(tree, param)
    if param.endswith(".role") and value == "function":
        reason = "use 'tools' and messages of role 'tool' instead"
    return InvalidRequest(f"{param or 'the body'} is {_shown(value)}: {reason}", param=param)


def _place(complaint: str) -> tuple[str, str]:
    reason, marked, path = complaint.rpartition(" - at `$")
    if not marked:
        reason, path = complaint, ""
    if reason.startswith(("Invalid value", "Invalid enum value")):
        reason = "not one of the values known here"  # it repeats the value in full
    reason = reason[:1].lower() + reason[1:].replace("`", "'")
    return reason, path.rstrip("`").lstrip(".").replace("[...]", "")[:_MOST_PATH]


def _value_at(tree: Any, path: str) -> Any:
    for name, index in _STEP.findall(f".{path}" if path else ""):
        if name and isinstance(tree, dict) and name in tree:
            tree = tree[name]
        elif index and isinstance(tree, list) and int(index) < len(tree):
            tree = tree[int(index)]
        else:
            break
    return tree


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'an array'} of {len(value)}"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
