"""Texts and numbers within the limits that a JSON Schema sets."""

import math
import re
from typing import Any, Final

from seawall.plugins.providers.scripted import pattern

Schema = dict[str, Any]

_FORMS: Final = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "date-time": re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})"),
    "time": re.compile(r"\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})"),
    "duration": re.compile(r"P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?"),
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]*://\S+"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "ipv4": re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}"),
    "ipv6": re.compile(r"(?=.*:.*:)[0-9a-fA-F:]+"),
    "hostname": re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
}


def fitting_text(value: str, schema: Schema, text: str) -> str | None:
    """*value* bent to length, format and pattern, or a word of *text* that has them, or `None`."""
    form = schema.get("format", "")
    if form == "date-time" and _FORMS["date"].fullmatch(value):
        value += "T00:00:00Z"
    shape = schema.get("pattern")
    if form in _FORMS or isinstance(shape, str):
        words = (word.strip(".,;:!?()\"'") for word in text.split())
        return next((word for word in (value, *words) if _fits(word, schema)), None)
    if isinstance(schema.get("maxLength"), int):
        value = value[: schema["maxLength"]]
    return value if _fits(value, schema) else None


def _fits(value: str, schema: Schema) -> bool:
    """Whether a text has the length, format and pattern that the schema wants."""
    if not int(schema.get("minLength", 0)) <= len(value) <= schema.get("maxLength", math.inf):
        return False
    form = _FORMS.get(schema.get("format", ""))
    if form is not None and not form.fullmatch(value):
        return False
    if not isinstance(schema.get("pattern"), str):
        return True
    try:
        return re.search(schema["pattern"], value) is not None
    except re.error:  # written for another dialect of regular expressions
        return True


def fitting_number(value: float | None, kind: str, schema: Schema) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    if kind == "integer":
        if value != int(value):
            return None
        value = int(value)
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    over, under = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    step = schema.get("multipleOf")
    fits = low <= value <= high and over < value < under and (not step or value % step == 0)
    return value if fits else None


_EMPTY: Final = {
    "date": "1970-01-01",
    "date-time": "1970-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "nobody@example.invalid",
    "uri": "https://example.invalid/",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "ipv4": "0.0.0.0",  # noqa: S104  # the least valid address, not one to bind to
    "ipv6": "::",
    "hostname": "example.invalid",
    "duration": "PT0S",
}


def least(kind: str, schema: Schema) -> Any:
    """The least value of a scalar type that its limits allow."""
    if kind == "boolean":
        return False
    if kind == "string":
        shape = schema.get("pattern")
        made = pattern.instance(shape) if isinstance(shape, str) else None
        if made is not None:
            return made
        return str(_EMPTY.get(schema.get("format", ""), "")).ljust(int(schema.get("minLength", 0)), "-")
    found = _least_number(schema.get("multipleOf") or (1 if kind == "integer" else 0.5), schema)
    return int(found) if kind == "integer" else found


def _least_number(step: float, schema: Schema) -> float:
    """The least multiple of *step* within the limits (0 without a lower one), else what fits between."""
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    found = 0.0
    if low is not None:
        found = math.ceil(low / step) * step
    elif over is not None:
        found = (math.floor(over / step) + 1) * step
    if high is not None and found > high:
        found = math.floor(high / step) * step
        found = high if low is not None and found < low else found
    if under is not None and found >= under:
        found = (over + under) / 2 if over is not None else (math.ceil(under / step) - 1) * step
    return found
