"""Make a value fit a shape, where the shape leaves exactly one reading of it. Nothing is ever invented.

What may happen to a value: text that is a number, a truth value or JSON becomes that; a number becomes its
own text; one item becomes a list of one, and back; a name or a choice gets its exact spelling; members the
shape forbids are left out, and optional ones that are null. A value that fits already is not touched.
"""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from seawall.layers.validation.shape import ALL_TYPES, Shape, fold
from seawall.layers.validation.tokens import Budget, Odd, Unreadable, Written, read_number_text
from seawall.layers.validation.tolerant import MAX_DEPTH


class Misfit(Enum):
    """The value cannot be made to fit, or in more than one way."""

    MISFIT = "misfit"


MISFIT: Final = Misfit.MISFIT
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
ReadText = Callable[[str, Budget], Any]


def type_name(value: Any) -> str:
    """The JSON type of *value*; empty for what is none (`Written`, `Odd`)."""
    if isinstance(value, str):
        return "string"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else ""


class Fitter:
    """Fits one value. *read_text* reads JSON that stands in a string, or raises `Unreadable`."""

    def __init__(self, read_text: ReadText, budget: Budget) -> None:
        self._read_text = read_text
        self._budget = budget
        self._depth = 0
        self.fixes: list[str] = []
        self.left_out = 0
        """How many members were left out; among alternatives the one that keeps most is meant."""

    def fit(self, value: Any, shape: Shape, *, nested: bool = False) -> Any:
        """*value* as *shape* wants it, or `MISFIT`. *nested*: no list is made or opened at this level."""
        self._budget.spend()
        if self._depth > 2 * MAX_DEPTH:
            return MISFIT
        self._depth += 1
        try:
            value = self._own(value, shape, nested)
            for also in shape.also:
                if value is not MISFIT:
                    value = self.fit(value, also, nested=nested)
            for group in shape.alternatives:
                if value is not MISFIT:
                    value = self._one_of(value, group, nested)
            return value
        finally:
            self._depth -= 1

    def _own(self, value: Any, shape: Shape, nested: bool) -> Any:
        """By the keywords of the shape itself."""
        if isinstance(value, Written) and (shape.also or shape.alternatives) and shape.types == ALL_TYPES:
            return value  # its type is said there
        if shape.choices is not None:
            return self._choose(value, shape, nested)
        name = type_name(value)
        if name not in shape.types:
            return self._convert(value, shape, nested)
        if name == "object":
            return self._members(value, shape)
        if name == "array":
            return self._items(value, shape)
        if name == "number" and shape.integer and isinstance(value, float) and not value.is_integer():
            return MISFIT
        return value

    def _choose(self, value: Any, shape: Shape, nested: bool) -> Any:
        choices = shape.choices or ()
        if isinstance(value, Written) and value.number is not None and value.text not in choices:
            value = value.number
        kind = type_name(value)
        for choice in choices:
            if type_name(choice) == kind and choice == value:
                return value
        text = _text_of(value)
        if text is not None:
            for same in (str.strip, lambda said: said.strip().casefold(), fold):
                said = same(text)
                found = [each for each in choices if (own := _text_of(each)) and same(own) == said]
                if len(found) == 1:
                    self.fixes.append("enum_case" if isinstance(found[0], str) else "enum_type")
                    return found[0]
                if found:
                    return MISFIT
        if isinstance(value, list) and len(value) == 1 and not nested:
            self.fixes.append("array_for_scalar")
            return self.fit(value[0], shape, nested=True)
        return MISFIT

    def _convert(self, value: Any, shape: Shape, nested: bool) -> Any:
        """*value* is of none of the types wanted: the one way to make it so."""
        if isinstance(value, Odd):
            if value is Odd.UNDEFINED and "null" in shape.types:
                self.fixes.append("undefined")
                return None
            return MISFIT
        if isinstance(value, Written):
            return self._convert_written(value, shape, nested)
        if isinstance(value, str):
            converted = self._convert_text(value, shape)
            if converted is not MISFIT:
                return converted
        elif isinstance(value, int | float) and "string" in shape.types:
            self.fixes.append("string_expected")
            return _text_of(value)
        elif isinstance(value, list) and len(value) == 1 and not nested:
            self.fixes.append("array_for_scalar")
            return self.fit(value[0], shape, nested=True)
        if "array" in shape.types and value is not None and not nested:
            return self._wrap(value, shape)
        return MISFIT

    def _convert_written(self, value: Written, shape: Shape, nested: bool) -> Any:
        types = shape.types
        if value.number is not None and "number" in types:
            return self.fit(value.number, shape, nested=nested)
        if "string" in types and (len(types) == 1 or value.number is not None or types == {"string", "null"}):
            self.fixes.append("quotes" if value.number is None else "string_expected")
            return value.text
        if "array" in types and not nested:
            return self._wrap(value, shape)
        return MISFIT

    def _wrap(self, value: Any, shape: Shape) -> Any:
        item = shape.items or (shape.prefix[0] if len(shape.prefix) == 1 else None)
        if item is None:
            return MISFIT
        fitted = self.fit(value, item, nested=True)
        if fitted is MISFIT:
            return MISFIT
        self.fixes.append("scalar_for_array")
        return [fitted]

    def _convert_text(self, text: str, shape: Shape) -> Any:
        types = shape.types
        bare = text.strip()
        if "boolean" in types and bare.lower() in _TRUTH:
            self.fixes.append("boolean_as_string")
            return _TRUTH[bare.lower()]
        if "number" in types:
            number = self._number(bare, shape)
            if number is not MISFIT:
                self.fixes.append("number_as_string")
                return number
        if bare[:1] in ("{", "[", '"') and ("object" in types or "array" in types):
            return self._unpack(bare, shape)
        if types == {"null"} and bare.lower() in ("null", "none"):
            self.fixes.append("null_as_string")
            return None
        return MISFIT

    def _number(self, text: str, shape: Shape) -> Any:
        if shape.integer and text.count(",") == 1:
            text = text.replace(",", "", 1) if _is_group(text) else text
        try:
            number = read_number_text(text)
        except Unreadable:
            return MISFIT
        if number is None or (shape.integer and isinstance(number, float) and not number.is_integer()):
            return MISFIT
        return int(number) if shape.integer else number

    def _unpack(self, text: str, shape: Shape) -> Any:
        """JSON in a string."""
        try:
            value = self._read_text(text, self._budget)
        except Unreadable:
            return MISFIT
        if isinstance(value, str) and len(value) >= len(text):
            return MISFIT
        fitted = self.fit(value, shape)
        if fitted is not MISFIT:
            self.fixes.append("json_as_string")
        return fitted

    def _members(self, value: dict[str, Any], shape: Shape) -> Any:
        renamed = self._spellings(value, shape)
        members: dict[str, Any] = {}
        left_out = self.left_out
        for key, member in value.items():
            name = renamed.get(key, key)
            own = shape.properties.get(name)
            if own is None:
                if shape.patterns:
                    own = _ANY  # which of the patterns it meets is for the validator to say
                elif shape.extra is False:
                    self.fixes.append("extra_keys")
                    self.left_out += 1
                    continue
                else:
                    own = _ANY if shape.extra is True else shape.extra
            fitted = self._member(member, own, name in shape.required)
            if fitted is MISFIT:
                return MISFIT
            if fitted is not Odd.UNDEFINED:
                members[name] = fitted
        if not shape.required <= members.keys() or (not members and self.left_out > left_out):
            return MISFIT
        return members

    def _member(self, value: Any, shape: Shape, required: bool) -> Any:
        """The fitted member, or `Odd.UNDEFINED` for one to be left out."""
        mark, left_out = len(self.fixes), self.left_out
        fitted = self.fit(value, shape)
        if fitted is not MISFIT or required:
            return fitted
        if value is None or value is Odd.UNDEFINED:
            del self.fixes[mark:]
            self.left_out = left_out
            self.fixes.append("null_optional")
            return Odd.UNDEFINED
        return MISFIT

    def _spellings(self, value: dict[str, Any], shape: Shape) -> dict[str, str]:
        """Keys that are a property under another spelling, where the shape minds."""
        renamed: dict[str, str] = {}
        for key in value:
            if key in shape.properties:
                continue
            name = shape.folded.get(fold(key))
            if name is None or name in value or (shape.extra is True and name not in shape.required):
                continue
            if name in renamed.values():
                return {}
            renamed[key] = name
        if renamed:
            self.fixes.append("key_case")
        return renamed

    def _items(self, value: list[Any], shape: Shape) -> Any:
        if shape.items is None and not shape.prefix:
            return self._open_list(value)
        items: list[Any] = []
        for index, item in enumerate(value):
            own = shape.prefix[index] if index < len(shape.prefix) else shape.items or _ANY
            fitted = self.fit(item, own)
            if fitted is MISFIT:
                return MISFIT
            items.append(fitted)
        return items

    def _open_list(self, value: list[Any]) -> Any:
        items = [self.fit(item, _ANY) for item in value]
        return MISFIT if any(item is MISFIT for item in items) else items

    def _one_of(self, value: Any, group: tuple[Shape, ...], nested: bool) -> Any:
        """The one alternative that fits: untouched before changed, and what keeps most before the rest."""
        mark, left_out = len(self.fixes), self.left_out
        fitting: list[tuple[int, Any, list[str]]] = []
        for shape in group:
            fitted = self.fit(value, shape, nested=nested)
            fixes, dropped = self.fixes[mark:], self.left_out - left_out
            del self.fixes[mark:]
            self.left_out = left_out
            if fitted is MISFIT:
                continue
            if not fixes:
                return fitted
            fitting.append((dropped, fitted, fixes))
        if not fitting:
            return MISFIT
        least = min(dropped for dropped, _, _ in fitting)
        best = [entry for entry in fitting if entry[0] == least]
        if len(best) > 1 and any(not same_value(best[0][1], other[1]) for other in best[1:]):
            return MISFIT
        self.fixes += best[0][2]
        self.left_out += least
        return best[0][1]


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, `1` and `true` being different."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_group(text: str) -> bool:
    head, _, tail = text.lstrip("+-").partition(",")
    return 1 <= len(head) <= 3 and head.isdigit() and len(tail) == 3 and tail.isdigit()


def _text_of(value: Any) -> str | None:
    """How a scalar is written, as a choice or as a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, Written):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else None


_ANY = Shape()
