"""What a JSON Schema says about the form of a value, in the terms a repair needs.

A `Shape` knows types, enumerations, properties and alternatives. It does not know limits, patterns,
formats or conditions: whatever a repair makes of a value is judged by the real validator afterwards.
"""

import re
from typing import Any
from urllib.parse import unquote

ALL_TYPES = frozenset(("object", "array", "string", "number", "boolean", "null"))
_FOLD = re.compile(r"[\s_\-]+")


def fold(text: str) -> str:
    """*text* without what people vary in names: case, spaces, hyphens, underscores."""
    return _FOLD.sub("", text).casefold()


class Shape:
    """The form of a value. Shapes of recursive schemas refer to each other in circles."""

    __slots__ = (
        "also",
        "alternatives",
        "choices",
        "extra",
        "folded",
        "integer",
        "items",
        "patterns",
        "prefix",
        "properties",
        "required",
        "types",
    )

    def __init__(self) -> None:
        self.types = ALL_TYPES
        self.integer = False
        """Numbers must be whole."""
        self.choices: tuple[Any, ...] | None = None
        """The values of `enum` or `const`."""
        self.properties: dict[str, Shape] = {}
        self.folded: dict[str, str] = {}
        """Property by its folded name, where that is unique."""
        self.required: frozenset[str] = frozenset()
        self.patterns: tuple[tuple[str, Shape], ...] = ()
        """Of `patternProperties`: only whether there are any matters to a repair."""
        self.extra: Shape | bool = True
        """Other properties: allowed, forbidden, or of this shape."""
        self.prefix: tuple[Shape, ...] = ()
        self.items: Shape | None = None
        self.also: tuple[Shape, ...] = ()
        """Must be met as well (`$ref`, `allOf`)."""
        self.alternatives: tuple[tuple[Shape, ...], ...] = ()
        """Of each group one must be met (`anyOf`, `oneOf`)."""

    def names(self, key: str) -> bool:
        """Whether *key* is a property here or in what must be met as well."""
        return key in self.properties or any(shape.names(key) for shape in self.also if shape is not self)


def compile_shape(schema: Any) -> Shape:
    """The shape of *schema*, which must be valid and refer only to itself."""
    return _Compiler(schema).shape(schema)


class _Compiler:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[int, Shape] = {}

    def shape(self, schema: Any) -> Shape:
        known = self._known.get(id(schema))
        if known is not None:
            return known
        shape = Shape()
        if not isinstance(schema, dict):  # True, False: nothing a repair could use
            return shape
        self._known[id(schema)] = shape
        self._values(shape, schema)
        self._members(shape, schema)
        self._elements(shape, schema)
        also = [self.shape(part) for part in schema.get("allOf", ())]
        target = self._resolve(schema.get("$ref"))
        if target is not None:
            also.append(self.shape(target))
        shape.also = tuple(also)
        shape.alternatives = tuple(
            tuple(self.shape(part) for part in schema[word]) for word in ("anyOf", "oneOf") if word in schema
        )
        return shape

    def _values(self, shape: Shape, schema: dict[str, Any]) -> None:
        types = schema.get("type")
        if types is not None:
            named = frozenset([types] if isinstance(types, str) else types)
            shape.integer = "integer" in named and "number" not in named
            shape.types = frozenset("number" if name == "integer" else name for name in named)
        if "const" in schema:
            shape.choices = (schema["const"],)
        elif "enum" in schema:
            shape.choices = tuple(schema["enum"])

    def _members(self, shape: Shape, schema: dict[str, Any]) -> None:
        shape.properties = {name: self.shape(part) for name, part in schema.get("properties", {}).items()}
        shape.required = frozenset(schema.get("required", ()))
        shape.patterns = tuple(
            (pattern, self.shape(part)) for pattern, part in schema.get("patternProperties", {}).items()
        )
        extra = schema.get("additionalProperties", True)
        shape.extra = self.shape(extra) if isinstance(extra, dict) else bool(extra)
        names: dict[str, str] = {}
        for name in shape.properties:
            folded = fold(name)
            names[folded] = "" if folded in names else name
        shape.folded = {folded: name for folded, name in names.items() if name}

    def _elements(self, shape: Shape, schema: dict[str, Any]) -> None:
        items = schema.get("items")
        prefix = schema.get("prefixItems", items if isinstance(items, list) else ())
        shape.prefix = tuple(self.shape(part) for part in prefix)
        if isinstance(items, list):
            items = schema.get("additionalItems")
        shape.items = self.shape(items) if isinstance(items, dict) else None

    def _resolve(self, reference: object) -> Any:
        """What `#` or `#/a/b` refers to; other references say nothing about the form."""
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            return None
        place: Any = self._root
        for step in reference[2:].split("/") if len(reference) > 1 else ():
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(place, list) and name.isdigit() and int(name) < len(place):
                place = place[int(name)]
            elif isinstance(place, dict) and name in place:
                place = place[name]
            else:
                return None
        return place
