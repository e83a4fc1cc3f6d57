"""The schema of a feature's answers: read from its file, and refused if it cannot judge them."""

from typing import Any

import msgspec
from msgspec import Struct

from seawall.core.errors import SpecError, SpecSyntaxError
from seawall.core.json_schema import MOST_BYTES as MOST_BYTES
from seawall.core.json_schema import UnfitSchema, compile_schema


class OutputSchema(Struct, frozen=True):
    """A schema that answers are held to."""

    file: str
    document: dict[str, Any]


def read_schema(raw: bytes, file: str) -> tuple[OutputSchema | None, list[SpecError]]:
    """The schema in *raw*, or why it is not taken. *file* is named in the problems."""
    if len(raw) > MOST_BYTES:
        return None, [SpecError(f"the schema has {len(raw)} bytes; {MOST_BYTES} at most", file=file)]
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, [SpecSyntaxError(f"not JSON: {error}", file=file, line=_line(str(error), raw))]
    except RecursionError:
        return None, [SpecSyntaxError("nested too deeply to be read", file=file)]
    if not isinstance(document, dict):
        return None, [SpecError("a schema is a JSON object", file=file)]
    # Loaded when there is a schema: a project without one starts 45 ms sooner.
    import jsonschema_rs

    try:
        compile_schema(document, jsonschema_rs)
    except UnfitSchema as error:
        return None, [
            SpecError(flaw.message, file=file, path=flaw.at, hint=flaw.hint) for flaw in error.flaws
        ]
    return OutputSchema(file, document), []


def _line(message: str, raw: bytes) -> int:
    """The line of a decoding error that names a byte."""
    digits = message.rpartition("(byte ")[2].rstrip(")")
    return raw.count(b"\n", 0, int(digits)) + 1 if digits.isdigit() else 1
