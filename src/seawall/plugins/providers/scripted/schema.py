"""Make an instance of a JSON Schema: filled from a text where the text has it, else minimal and valid."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from seawall.plugins.providers.scripted import fields
from seawall.plugins.providers.scripted.labels import best_label
from seawall.plugins.providers.scripted.scalars import Schema, fitting_number, fitting_text, least
from seawall.plugins.providers.scripted.text import sentences, stem, stems

_DEEPEST: Final = 8
_MOST_VALUES: Final = 500
_MOST_LOOKED_UP: Final = 3000
_DEEPEST_COMBINED: Final = 40
_SPOKEN_WORDS: Final = """
    answer response reply text output content message summary explanation reason reasoning rationale comment
    description detail note conclusion result
"""
_SPOKEN: Final = frozenset(stem(word) for word in _SPOKEN_WORDS.split())
_CITING: Final = frozenset({"citation", "sourc", "referenc", "evidenc"})
_ITEM: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.*)$", re.MULTILINE)


class Filling:
    """Fills schemas from one text.

    `say` gives the model's words for fields that hold an answer; `sources` are the ids it may cite.
    """

    def __init__(
        self, root: Schema, text: str, *, say: Callable[[], str] = str, sources: Sequence[str] = ()
    ) -> None:
        self._root = root
        self._text = text
        self._say = say
        self._sources = list(sources)
        self._used: set[str] = set()
        self._values = 0
        self._looked_up = 0
        self.found = 0
        """How many values came out of the text."""

    def fill(self) -> Any:
        """An instance of the root schema."""
        return self._value(self._root, "", self._text, 0)

    def _value(self, schema: Any, name: str, text: str, depth: int) -> Any:
        self._values += 1
        if depth > 2 * _DEEPEST:
            return None  # a schema that requires itself has no instance
        if self._values > _MOST_VALUES:
            depth = max(depth, _DEEPEST)
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._enum(schema["enum"], name, text)
        kinds = _kinds(schema)
        if "null" in kinds and (set(kinds) == {"null"} or depth >= _DEEPEST):
            return None
        kind = next((kind for kind in kinds if kind != "null"), "string")
        if kind == "object":
            return self._object(schema, text, depth)
        if kind == "array":
            return self._array(schema, name, text, depth)
        value = self._scalar(kind, schema, name, text)
        if value is None:
            return None if "null" in kinds else least(kind, schema)
        self.found += 1
        return value

    def _resolved(self, schema: Any, depth: int) -> Schema:
        """The schema without references and combinations: the first alternative that fits the depth."""
        if depth > _DEEPEST_COMBINED:
            return {}
        while isinstance(schema, dict) and self._looked_up < _MOST_LOOKED_UP:
            self._looked_up += 1
            rest = {
                key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")
            }
            if "$ref" in schema:
                schema = {**self._target(schema["$ref"]), **rest}
            elif "allOf" in schema:
                schema = _merged([self._resolved(part, depth + 1) for part in schema["allOf"]], rest)
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                nullable = any(_kinds(option) == ["null"] for option in options if isinstance(option, dict))
                real = [option for option in options if _kinds(option) != ["null"]]
                if nullable and (depth >= _DEEPEST or not real):
                    return {"type": "null"}
                chosen = self._resolved(real[-1] if depth >= _DEEPEST else real[0], depth + 1)
                kinds = {"type": [*_kinds(chosen), "null"]} if nullable else {}
                return {**chosen, **rest, **kinds}
            else:
                return dict(schema)
        return {}

    def _target(self, ref: str) -> Schema:
        place: Any = self._root
        for step in ref.removeprefix("#").strip("/").split("/"):
            if step:
                key = step.replace("~1", "/").replace("~0", "~")
                place = place.get(key, {}) if isinstance(place, dict) else {}
        return place if isinstance(place, dict) else {}

    def _enum(self, options: list[Any], name: str, text: str) -> Any:
        labels = [option for option in options if isinstance(option, str)]
        if not labels:
            return next((option for option in options if str(option) in text), options[0])
        said = fields.labelled(name, text) if name else None
        chosen, score = best_label(dict.fromkeys(labels, ""), said or text)
        self.found += score > 0
        return None if not score and None in options else chosen

    def _object(self, schema: Schema, text: str, depth: int) -> dict[str, Any]:
        properties: Schema = schema.get("properties") or {}
        required = schema.get("required") or []
        filled: dict[str, Any] = {}
        for key, part in properties.items():
            before = self.found
            if key not in required and depth >= _DEEPEST:
                continue
            value = self._value(part, key, text, depth + 1)
            if key in required or self.found > before:
                filled[key] = value
        for key in required:
            if key not in filled:
                extra = schema.get("additionalProperties")
                filled[key] = self._value(extra if isinstance(extra, dict) else {}, key, text, depth + 1)
        return filled

    def _array(self, schema: Schema, name: str, text: str, depth: int) -> list[Any]:
        part = schema.get("items") if isinstance(schema.get("items"), dict) else {}
        items = self._items(self._resolved(part, depth), name, text, depth) if depth < _DEEPEST else []
        if schema.get("uniqueItems"):
            items = [item for index, item in enumerate(items) if item not in items[:index]]
        while len(items) < int(schema.get("minItems", 0)):
            items.append(self._value(part, name, text, depth + 1))
        return items[: schema.get("maxItems")]

    def _items(self, part: Schema, name: str, text: str, depth: int) -> list[Any]:
        kind = _kinds(part)[0]
        if part.get("enum"):
            words = set(stems(text))
            return [option for option in part["enum"] if set(stems(str(option))) & words]
        if kind == "string" and "const" not in part:
            if set(stems(name)) & _CITING and self._sources:
                return self._sources
            said = fields.labelled(name, text)
            found = fields.every(name, part.get("format", ""), text)
            listed = [item.strip() for item in re.split(r",| and ", said)] if said else _ITEM.findall(text)
            fitting = (fitting_text(item, part, text) for item in found or listed if item)
            items = [item for item in fitting if item is not None]
            self.found += len(items)
            return items
        if kind == "object":
            filled = []
            for line in _ITEM.findall(text) or list(sentences(text)):
                before = self.found
                item = self._value(part, name, line, depth + 1)
                if self.found > before:
                    filled.append(item)
            return filled
        return []

    def _scalar(self, kind: str, schema: Schema, name: str, text: str) -> Any:
        about = str(schema.get("description") or schema.get("title") or "")
        if kind == "boolean":
            return fields.truth(name, about, text)
        if kind in ("number", "integer"):
            return fitting_number(fields.number(name, about, text, self._used), kind, schema)
        value = fields.string(name, about, schema.get("format", ""), text, self._used)
        if value is None or not fields.kind_of(name, schema.get("format", "")):
            words = set(stems(name))
            if words & _CITING and self._sources:
                value = self._sources[0]
            elif (words & _SPOKEN) or (name and value is None and not words):
                value = self._say() or value
        if value is not None:
            self._used.add(value)
        return None if value is None else fitting_text(value, schema, text)


def _kinds(schema: Any) -> list[str]:
    """The JSON types a schema allows; guessed from its keywords when it does not say."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(kind, list):
        return [str(one) for one in kind] or ["string"]
    if isinstance(kind, str):
        return [kind]
    keys = schema if isinstance(schema, dict) else {}
    return ["object" if "properties" in keys else "array" if "items" in keys else "string"]


def _merged(parts: list[Schema], rest: Schema) -> Schema:
    merged: Schema = {}
    for part in [*parts, rest]:
        both: Schema = {
            key: {**merged.get(key, {}), **part[key]} for key in ("properties", "$defs") if key in part
        }
        required = [*merged.get("required", []), *part.get("required", [])]
        merged = {**merged, **part, **both}
        if required:
            merged["required"] = required
    return merged
