"""Which JSON Schemas may judge answers, and their compiling: one door for a feature's schema and a caller's.

A schema ends up on the path of every call, so it is held to caps before it is compiled: no remote reference,
none that leads back to itself without descending, no explosion of alternatives, and only patterns that
match in linear time. What compiles is given as `Engine`: the module `jsonschema_rs`, which takes some 45 ms
to load and is loaded by whoever has a schema.
"""

from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
from msgspec import Struct

MOST_BYTES = 256 * 1024
"""Of the schema, as JSON."""
MOST_DEPTH = 64
"""Subschemas within subschemas."""
MOST_SUBSCHEMAS = 5_000
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
"""The first is meant where a schema does not say."""
MOST_FLAWS = 20
"""Told of one schema."""

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_BY_NAME = frozenset(
    ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
)
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
_SINGLE = frozenset(
    (
        "additionalItems",
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_IN_PLACE = frozenset(
    ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")
)
"""Keywords whose subschemas judge the very value the schema itself judges."""
_LINEAR = "Only patterns that match in linear time: no look-around, no back-references, bounded repeats"
_MASK = "the value here"
_SHOWN = 80  # characters of a wrong value that a flaw repeats
_MOST_AT = 200
_MOST_MESSAGE = 240
_PATTERNS_TRIED = 200  # one by one, to name those at fault; trying one takes up to a millisecond


class Flaw(Struct, frozen=True):
    """Why a schema is not taken."""

    at: str
    """A JSON pointer into the schema: `#/properties/age/type`."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        said = f"{self.at}: {self.message}"
        return f"{said} ({self.hint})" if self.hint else said


class UnfitSchema(ValueError):
    """The schema is not taken, for the reasons in `flaws`."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__("; ".join(map(str, flaws)))
        self.flaws = flaws


class Engine(Protocol):
    """What of the module `jsonschema_rs` is used here."""

    @property
    def validator_for(self) -> Any:
        """Compiles a schema; raises `ValueError`."""

    @property
    def RegexOptions(self) -> Any:  # noqa: N802 - the module's own name
        """Bounds on the patterns."""


def compile_schema(document: dict[str, Any], engine: Engine) -> Any:
    """A `jsonschema_rs.Validator` that neither fetches nor backtracks, and whose errors quote no answer.

    Takes 0.1 to 1 ms for the usual schema: keep it. Raises `UnfitSchema`, also for what is no JSON Schema.
    """
    lint = _Lint()
    lint.read(document)
    if not lint.flaws:
        try:
            return _compiled(document, engine, _MASK)
        except ValueError:
            said = _complaint(document, engine)
    else:
        said = []
    raise UnfitSchema(([*lint.flaws, *_hostile_patterns(lint, engine)] or said)[:MOST_FLAWS])


def _compiled(document: dict[str, Any], engine: Engine, mask: str | None) -> Any:
    options = engine.RegexOptions(size_limit=PATTERN_MEMORY, dfa_size_limit=PATTERN_MEMORY)
    return engine.validator_for(
        {"$schema": DRAFTS[0], **document},
        offline=True,
        validate_formats=True,
        pattern_options=options,
        mask=mask,
    )


def _complaint(document: dict[str, Any], engine: Engine) -> list[Flaw]:
    """What the engine has against *document*. Compiled again unmasked: it is the schema that is quoted."""
    try:
        _compiled(document, engine, None)
    except ValueError as error:
        steps = getattr(error, "instance_path", ())
        message = getattr(error, "message", "") or str(error)
        return [_flaw(_pointer("#", *steps), f"not a JSON Schema: {message}")]
    return [_flaw("#", "not a JSON Schema")]


def _hostile_patterns(lint: "_Lint", engine: Engine) -> Iterator[Flaw]:
    for at, pattern in lint.patterns[:_PATTERNS_TRIED]:
        try:
            _compiled({"pattern": pattern}, engine, None)
        except ValueError:
            yield _flaw(at, f"pattern {_shown(pattern)} is not taken", _LINEAR)


class _Lint:
    """Goes through every subschema once."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self.patterns: list[tuple[str, str]] = []
        """Where each pattern of bearable length stands, and the pattern."""
        self._document: dict[str, Any] = {}
        self._anchors: dict[str, Any] = {}
        self._seen: dict[int, tuple[str, dict[str, Any]]] = {}
        """Pointer and subschema by the identity of the subschema."""
        self._open: list[tuple[str, str]] = []
        """References not yet followed: where they stand, and where they lead."""

    def read(self, document: dict[str, Any]) -> None:
        """Find the flaws of *document*."""
        try:
            raw = msgspec.json.encode(document)
            if len(raw) > MOST_BYTES:
                self._say("#", f"the schema has {len(raw)} bytes; {MOST_BYTES} at most")
                return
            self._document = msgspec.json.decode(raw)  # a copy, in which no two parts are one object
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self._say("#", f"not a JSON document: {error}")
            return
        self._draft()
        self._anchors[""] = self._document
        if self._walk() and not self.flaws:
            self._work()

    def _say(self, at: str, message: str, hint: str = "") -> None:
        self.flaws.append(_flaw(at, message, hint))

    def _draft(self) -> None:
        declared = self._document.get("$schema", DRAFTS[0])
        if not isinstance(declared, str) or declared.removesuffix("#") not in DRAFTS:
            self._say("#/$schema", f"unknown draft {_shown(declared)}", f"One of: {', '.join(DRAFTS)}")

    def _walk(self) -> bool:
        """Look at every subschema, and at what references make one. Whether the end was reached."""
        waiting = [("#", self._document, 1)]
        while waiting:
            at, schema, depth = waiting.pop()
            if id(schema) not in self._seen:
                self._seen[id(schema)] = at, schema
                if len(self._seen) > MOST_SUBSCHEMAS:
                    self._say(at, f"more than {MOST_SUBSCHEMAS} subschemas", "Simplify the schema")
                    return False
                if depth > MOST_DEPTH:
                    self._say(at, f"subschemas nested deeper than {MOST_DEPTH} levels", "Use $defs and $ref")
                    return False
                self._look(at, schema)
                inside = [(_pointer(at, *steps), part, depth + 1) for steps, part in _parts(schema)]
                waiting += reversed(inside)
            if not waiting:
                waiting = list(self._follow())
        return True

    def _look(self, at: str, schema: dict[str, Any]) -> None:
        self._names(at, schema)
        for word in _REFERENCES:
            target = schema.get(word)
            if isinstance(target, str):
                self._open.append((_pointer(at, word), target))
        said = schema.get("type", ())
        for name in (said,) if isinstance(said, str) else said if isinstance(said, list) else ():
            if name not in _TYPES:
                self._say(_pointer(at, "type"), f"{_shown(name)} is no type", f"One of: {', '.join(_TYPES)}")
        if isinstance(pattern := schema.get("pattern"), str):
            self._pattern(_pointer(at, "pattern"), pattern)
        if isinstance(named := schema.get("patternProperties"), dict):
            for pattern in named:
                self._pattern(_pointer(at, "patternProperties"), pattern)

    def _names(self, at: str, schema: dict[str, Any]) -> None:
        """The names by which references may call *schema*."""
        name = schema.get("$id")
        if isinstance(name, str) and schema is self._document:
            self._anchors[name.partition("#")[2]] = schema
        elif name is not None and schema is not self._document:
            self._say(
                _pointer(at, "$id"),
                f"a subschema has an $id of its own: {_shown(name)}",
                "Use $defs and #/$defs/NAME",
            )
        for word in ("$anchor", "$dynamicAnchor"):
            name = schema.get(word)
            if isinstance(name, str) and self._anchors.setdefault(name, schema) is not schema:
                self._say(_pointer(at, word), f"the anchor {_shown(name)} occurs twice")

    def _pattern(self, at: str, pattern: str) -> None:
        if len(pattern) <= MOST_PATTERN:
            self.patterns.append((at, pattern))
            return
        said = f"pattern {_shown(pattern)} has {len(pattern)} characters; {MOST_PATTERN} at most"
        self._say(at, said, _LINEAR)

    def _follow(self) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Subschemas that stand where only a reference finds them."""
        references, self._open = self._open, []
        for at, reference in references:
            if not reference.startswith("#"):
                self._say(at, f"remote reference {_shown(reference)}", "Nothing is fetched: use #/$defs/NAME")
                continue
            found = self._resolve(reference)
            if found is None:
                self._say(at, f"{_shown(reference)} does not exist in this schema", "Use #/$defs/NAME")
            elif isinstance(found, dict):
                yield reference, found, reference.count("/") + 1

    def _resolve(self, reference: str) -> dict[str, Any] | bool | None:
        """The schema *reference* leads to, `None` if there is none."""
        pointer = unquote(reference[1:])
        if not pointer.startswith("/"):
            return self._anchors.get(pointer)
        found: Any = self._document
        for step in pointer[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isascii() and name.isdigit() and len(name) < 7:
                found = found[int(name)] if int(name) < len(found) else None
            else:
                found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict | bool) else None

    def _work(self) -> None:
        """References that lead back to the same value, and alternatives that multiply."""
        tried: dict[int, int] = {}
        for start in self._seen:
            if start not in tried and not self._try(start, tried):
                return

    def _try(self, start: int, tried: dict[int, int]) -> bool:
        """Note in *tried* how many subschemas *start*, and each it leads to, puts to one value."""
        stack, trail = [(start, self._applied(start))], {start}
        while stack:
            current, ahead = stack[-1]
            place = self._seen[current][0]
            for each in ahead:
                if each in trail:
                    said = f"leads back to itself without going into the value, by way of {_shown(place)}"
                    self._say(self._seen[each][0], said, "Refer to it below properties or items only")
                    return False
                if each not in tried:
                    stack.append((each, self._applied(each)))
                    trail.add(each)
                    break
            else:
                tried[current] = 1 + sum(tried[each] for each in self._applied(current))
                if tried[current] > MOST_TRIED:
                    said = f"more than {MOST_TRIED} subschemas may have to be tried on one value"
                    self._say(place, said, "References that fan out multiply: flatten them")
                    return False
                stack.pop()
                trail.discard(current)
        return True

    def _applied(self, identity: int) -> Iterator[int]:
        """The subschemas that judge the same value as the one of this *identity*."""
        _, schema = self._seen[identity]
        for word in _REFERENCES:
            target = schema.get(word)
            if isinstance(target, str):
                found = self._resolve(target)
                if isinstance(found, dict):
                    yield id(found)
        for steps, part in _parts(schema):
            if steps[0] in _IN_PLACE:
                yield id(part)


def _parts(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The subschemas directly in *schema*, and the steps to them. What `enum` or `default` holds is data."""
    for word, held in schema.items():
        if word in _BY_NAME and isinstance(held, dict):
            yield from (((word, name), part) for name, part in held.items() if isinstance(part, dict))
        elif word in _LISTS and isinstance(held, list):
            yield from (((word, str(at)), part) for at, part in enumerate(held) if isinstance(part, dict))
        elif word in _SINGLE and isinstance(held, dict):
            yield (word,), held


def _pointer(at: str, *steps: str | int) -> str:
    return "/".join((at, *(str(step).replace("~", "~0").replace("/", "~1") for step in steps)))


def _flaw(at: str, message: str, hint: str = "") -> Flaw:
    return Flaw(_short(at, _MOST_AT), _short(message, _MOST_MESSAGE), hint)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _shown(value: object) -> str:
    return _short(repr(value), _SHOWN)
