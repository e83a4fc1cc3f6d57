"""What makes a JSON Schema unfit to be run on every answer: size, references, and work that explodes."""

from collections.abc import Iterator
from typing import Any

import msgspec

MAX_BYTES = 256 * 1024
"""Of the schema, as JSON."""
MAX_DEPTH = 64
MAX_SUBSCHEMAS = 5_000
MAX_PATTERN = 512
"""Characters of one pattern."""
MAX_EXPANSION = 2_000
"""Subschemas that may have to be tried on one and the same value."""

_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
_IN_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    "items",
    "additionalItems",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
)
_SAME_VALUE = frozenset(("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"))
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def hazards(schema: dict[str, Any]) -> Iterator[str]:
    """Everything about *schema* that is refused before it is even compiled, one sentence each."""
    try:
        size = len(msgspec.json.encode(schema))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        yield f"not a JSON document: {error}"
        return
    if size > MAX_BYTES:
        yield f"{size} bytes long; at most {MAX_BYTES} are taken"
        return
    walk = _Walk(schema)
    try:
        walk.run()
    except _TooMuch as error:
        yield str(error)
        return
    yield from walk.problems
    yield from walk.expansions()


class _TooMuch(ValueError):
    pass


class _Walk:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self.problems: list[str] = []
        self._places: dict[str, dict[str, Any]] = {}
        """Every subschema by its JSON pointer."""
        self._named = False
        """Whether there are `$id` or `$anchor`, by which a reference may go anywhere."""

    def run(self) -> None:
        waiting = [("#", self._root)]
        while waiting:
            at, schema = waiting.pop()
            self._places[at] = schema
            if len(self._places) > MAX_SUBSCHEMAS:
                raise _TooMuch(f"more than {MAX_SUBSCHEMAS} subschemas")
            if at.count("/") > 2 * MAX_DEPTH:
                raise _TooMuch(f"nested more than {MAX_DEPTH} levels deep at {at[:80]!r}")
            self._look(at, schema)
            waiting += [(f"{at}/{step}", part) for _, step, part in _parts(schema)]

    def _look(self, at: str, schema: dict[str, Any]) -> None:
        self._named = self._named or "$anchor" in schema or "$dynamicAnchor" in schema or "$id" in schema
        for word in _REFERENCES:
            target = schema.get(word)
            if isinstance(target, str) and not target.startswith("#"):
                self.problems.append(
                    f"{at}/{word}: {target[:200]!r} is not in this schema; nothing is fetched"
                )
        pattern = schema.get("pattern")
        named = schema.get("patternProperties")
        for text in (pattern, *(named if isinstance(named, dict) else ())):
            if isinstance(text, str) and len(text) > MAX_PATTERN:
                self.problems.append(f"{at}: a pattern of {len(text)} characters; at most {MAX_PATTERN}")

    def expansions(self) -> Iterator[str]:
        """References that lead back to the same value, and alternatives that multiply."""
        costs: dict[str, int] = {}
        for start in self._places:
            if start in costs:
                continue
            problem = self._expand(start, costs)
            if problem:
                yield problem
                return

    def _expand(self, start: str, costs: dict[str, int]) -> str:
        """Work out the costs of *start* and all it applies to the same value, without recursion."""
        stack, on_path = [start], {start}
        while stack:
            at = stack[-1]
            applied = list(self._applied(at))
            pending = next((to for to in applied if to not in costs), None)
            if pending is None:
                costs[at] = 1 + sum(costs[to] for to in applied)
                if costs[at] > MAX_EXPANSION:
                    return f"{at}: more than {MAX_EXPANSION} subschemas apply to one value"
                stack.pop()
                on_path.discard(at)
            elif pending in on_path:
                return f"{pending}: refers to itself without going deeper into the value"
            else:
                stack.append(pending)
                on_path.add(pending)
        return ""

    def _applied(self, at: str) -> Iterator[str]:
        schema = self._places[at]
        for word, step, _ in _parts(schema):
            if word in _SAME_VALUE:
                yield f"{at}/{step}"
        for word in _REFERENCES:
            target = schema.get(word)
            if isinstance(target, str) and target.startswith("#"):
                place = target.rstrip("/")
                if place in self._places:
                    yield place
                elif self._named and word != "$ref":
                    yield "#"  # a dynamic reference may come back to the whole


def _parts(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The subschemas of *schema*: keyword, steps of the pointer, subschema."""
    for word in _BY_NAME:
        named = schema.get(word)
        if isinstance(named, dict):
            for name, part in named.items():
                if isinstance(part, dict):
                    yield word, f"{word}/{name.replace('~', '~0').replace('/', '~1')}", part
    for word in _IN_LISTS:
        listed = schema.get(word)
        if isinstance(listed, list):
            for index, part in enumerate(listed):
                if isinstance(part, dict):
                    yield word, f"{word}/{index}", part
    for word in _SINGLE:
        part = schema.get(word)
        if isinstance(part, dict):
            yield word, word, part
