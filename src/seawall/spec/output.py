"""The schema of a feature's answers: read, bounded, and compiled so that it can do no harm.

What an author may write here ends up on the path of every call, so it is held to caps: no remote reference,
no reference that leads back to itself without descending, and only patterns that match in linear time.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from seawall.core.errors import SpecConflict, SpecError, SpecSyntaxError

if TYPE_CHECKING:
    from jsonschema_rs import Validator

MOST_BYTES = 256 * 1024
MOST_DEPTH = 64
MOST_NODES = 5_000
MOST_TRIED = 2_000
"""Subschemas that may have to be tried on one and the same value of an answer."""
MOST_PATTERN = 512
"""Characters of a pattern."""
PATTERN_MEMORY = 1024 * 1024
"""Bytes a compiled pattern may take."""
DRAFTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
)

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "additionalItems",
    "propertyNames",
    "contains",
    "items",
    "not",
    "if",
    "then",
    "else",
)
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


class OutputSchema(Struct, frozen=True):
    """A schema that answers are held to."""

    file: str
    document: dict[str, Any]

    def validator(self) -> "Validator":
        """Compiled: linear-time patterns only, nothing is fetched. Costs about a millisecond: keep it."""
        return compile_schema(self.document)


def compile_schema(document: dict[str, Any]) -> "Validator":
    """A validator that can neither fetch nor backtrack. Raises `jsonschema_rs.ValidationError`."""
    # Loaded when there is a schema: a project without one starts 45 ms sooner.
    from jsonschema_rs import RegexOptions, validator_for

    options = RegexOptions(size_limit=PATTERN_MEMORY, dfa_size_limit=PATTERN_MEMORY)
    return validator_for(
        {"$schema": DRAFTS[0], **document}, pattern_options=options, offline=True, validate_formats=True
    )


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
    problems = list(_problems(document, file))
    if problems:
        return None, problems
    try:
        compile_schema(document)
    except ValueError as error:
        message = getattr(error, "message", "") or str(error)
        path = "/".join(map(str, getattr(error, "instance_path", ())))
        return None, [SpecError(f"not a JSON Schema: {message}", file=file, path=path)]
    return OutputSchema(file, document), []


def _problems(document: dict[str, Any], file: str) -> Iterator[SpecError]:
    declared = document.get("$schema", DRAFTS[0])
    if not isinstance(declared, str) or declared.rstrip("#") not in DRAFTS:
        yield SpecError(
            f"unknown draft {declared!r}", file=file, path="$schema", hint=f"One of: {', '.join(DRAFTS)}"
        )
    walk = _Walk(document)
    for path, message, hint in walk.problems():
        yield SpecError(message, file=file, path=path, hint=hint)
    loop, tried = walk.work()
    if loop:
        message = f"reference {loop!r} leads back to itself"
        yield SpecConflict(message, file=file, hint="It would never come to an end")
    elif tried > MOST_TRIED:
        message = f"{tried} subschemas may have to be tried on one value; {MOST_TRIED} at most"
        yield SpecConflict(message, file=file, hint="References that fan out multiply: flatten them")


class _Walk:
    """Goes through every subschema once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._anchors: dict[str, dict[str, Any]] = {"": document}
        self._schemas: list[dict[str, Any]] = []

    def problems(self) -> Iterator[tuple[str, str, str]]:
        """Path, message and hint of what is wrong."""
        stack: list[tuple[str, Any, int]] = [("", self._document, 1)]
        while stack:
            path, schema, depth = stack.pop()
            if not isinstance(schema, dict):
                continue  # true, false, or nonsense that the compiler refuses
            self._schemas.append(schema)
            if len(self._schemas) > MOST_NODES:
                yield path, f"more than {MOST_NODES} subschemas", "Simplify the schema"
                return
            if depth > MOST_DEPTH:
                yield path, f"subschemas nested deeper than {MOST_DEPTH} levels", "Use $defs and $ref"
                return
            yield from self._of_one(path, schema)
            inside = ((f"{path}.{name}".lstrip("."), inner, depth + 1) for name, inner in _inside(schema))
            stack += reversed(list(inside))

    def _of_one(self, path: str, schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        for word in ("$anchor", "$dynamicAnchor"):
            if isinstance(schema.get(word), str):
                self._anchors[schema[word]] = schema
        if schema is not self._document and "$id" in schema:
            yield f"{path}.$id", "a subschema has an $id of its own", "Use $defs and #/$defs/NAME"
        for word in _REFERENCES:
            target = schema.get(word)
            if isinstance(target, str) and not target.startswith("#"):
                yield (
                    f"{path}.{word}".lstrip("."),
                    f"remote reference {target!r}",
                    "Nothing is fetched: use #/$defs/NAME",
                )
        patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        by_pattern = schema.get("patternProperties")
        patterns += by_pattern if isinstance(by_pattern, dict) else ()
        for pattern in patterns:
            if why := _hostile(pattern):
                yield f"{path}.pattern".lstrip("."), f"pattern {pattern[:80]!r} {why}", _LINEAR

    def work(self) -> tuple[str, int]:
        """A reference by which a schema applies itself to the same value (or nothing), and the most
        subschemas that may have to be tried on one value."""
        tried: dict[int, int] = {}
        for schema in self._schemas:
            trail: set[int] = set()
            stack: list[tuple[dict[str, Any], str, bool]] = [(schema, "#", False)]
            while stack:
                current, name, leaving = stack.pop()
                if leaving:
                    trail.discard(id(current))
                    tried[id(current)] = 1 + sum(tried[id(inner)] for _, inner in self._in_place(current))
                elif id(current) in trail:
                    return name, 0
                elif id(current) not in tried:
                    trail.add(id(current))
                    stack.append((current, name, True))
                    stack += ((inner, step, False) for step, inner in self._in_place(current))
        return "", max(tried.values(), default=0)

    def _in_place(self, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for word in _REFERENCES:
            target = schema.get(word)
            if isinstance(target, str):
                found = self._resolve(target)
                if found is not None:
                    yield target, found
        for name, inner in _inside(schema):
            if name.split(".")[0].split("[")[0] in _IN_PLACE and isinstance(inner, dict):
                yield name, inner

    def _resolve(self, reference: str) -> dict[str, Any] | None:
        pointer = reference[1:]
        if not pointer.startswith("/"):
            return self._anchors.get(pointer)
        found: Any = self._document
        for step in pointer[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict):
                found = found.get(name)
            else:
                return None
        return found if isinstance(found, dict) else None


_LINEAR = "Only patterns that match in linear time: no look-around, no back-references, bounded repeats"


def _inside(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Subschemas directly inside, by path. What stands under `enum`, `const` or `default` is data."""
    for word in _BY_NAME:
        named = schema.get(word)
        if isinstance(named, dict):
            yield from ((f"{word}.{name}", inner) for name, inner in named.items())
    for word in _LISTS:
        listed = schema.get(word)
        if isinstance(listed, list):
            yield from ((f"{word}[{number}]", inner) for number, inner in enumerate(listed))
    for word in _SINGLE:
        if isinstance(schema.get(word), dict):
            yield word, schema[word]


def _hostile(pattern: str) -> str:
    """What is wrong with *pattern*, or nothing."""
    if len(pattern) > MOST_PATTERN:
        return f"has {len(pattern)} characters; {MOST_PATTERN} at most"
    try:
        compile_schema({"pattern": pattern})
    except ValueError:
        return "is not taken"
    return ""


def _line(message: str, raw: bytes) -> int:
    """The line of a decoding error that names a byte."""
    digits = message.rpartition("(byte ")[2].rstrip(")")
    return raw.count(b"\n", 0, int(digits)) + 1 if digits.isdigit() else 1
