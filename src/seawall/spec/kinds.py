"""Kinds of values: how each is read, shown and described to an editor.

A kind is said once, beside the key it belongs to (`seawall.spec.model`). Strict decoding, the text of
`seawall explain` and the JSON Schema all come from it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from seawall.spec import units, yaml
from seawall.spec.problems import BadValue, Source, did_you_mean

JsonSchema = dict[str, Any]


class Kind(Struct, frozen=True):
    """What a value may be."""

    def read(self, node: yaml.Node, source: Source) -> Any:
        """The value of *node*. Raises `BadValue`."""
        raise NotImplementedError

    def show(self, value: Any) -> str:
        """The value as a person would write it."""
        return str(value)

    def schema(self) -> JsonSchema:
        """What an editor needs to know."""
        raise NotImplementedError


def text_of(node: yaml.Node) -> str:
    """The text of *node*. Raises `BadValue` if it is something else."""
    if isinstance(node, yaml.Scalar) and isinstance(node.value, str):
        return node.value
    if isinstance(node, yaml.Scalar) and node.value is not None:
        raise BadValue(f"must be text, is {node.text}", "Put it in quotes if it is meant as text")
    raise BadValue(f"must be text, is {yaml.describe(node)}")


class Words(Kind, frozen=True):
    """Text for people, `most` characters at most, never empty."""

    most: int

    def read(self, node: yaml.Node, source: Source) -> str:
        text = text_of(node).strip()
        if not text:
            raise BadValue("must not be empty")
        if len(text) > self.most:
            raise BadValue(f"has {len(text)} characters; {self.most} at most")
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string", "minLength": 1, "maxLength": self.most}


class Matching(Kind, frozen=True):
    """Text of a certain form."""

    pattern: str
    what: str
    """`a slug`."""
    example: str

    def fits(self, text: str) -> bool:
        """Whether *text* is of this form."""
        return re.fullmatch(self.pattern, text) is not None

    def read(self, node: yaml.Node, source: Source) -> str:
        if isinstance(node, yaml.Scalar) and not isinstance(node.value, str) and node.value is not None:
            raise BadValue(f"{node.text} is not {self.what}", f"Write it like {self.example}")
        text = text_of(node)
        if not self.fits(text):
            raise BadValue(f"{text!r} is not {self.what}", f"Write it like {self.example}")
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": self.pattern}


class OneOf(Kind, frozen=True):
    """One of certain words; those in `planned` exist in the format but not in this version."""

    words: tuple[str, ...]
    planned: tuple[str, ...] = ()

    def read(self, node: yaml.Node, source: Source) -> str:
        text = node.text if isinstance(node, yaml.Scalar) else yaml.describe(node)
        if text in self.words:
            return text
        hint = f"One of: {', '.join(self.words)}"
        if text in self.planned:
            raise BadValue(f"{text!r} is not built yet in this version", hint)
        raise BadValue(f"unknown value {text!r}{did_you_mean(text, self.words)}", hint)

    def schema(self) -> JsonSchema:
        return {"enum": list(self.words)}


class Number(Kind, frozen=True):
    """A number from `least` to `most`."""

    least: float
    most: float
    above: bool = False
    """`least` itself is not taken."""

    def read(self, node: yaml.Node, source: Source) -> float:
        value = node.value if isinstance(node, yaml.Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadValue(f"must be a number, is {_written(node)}")
        if not (self.least < value if self.above else self.least <= value) or value > self.most:
            floor = f"above {self.least:g} and" if self.above else f"from {self.least:g}"
            raise BadValue(f"{value} is out of range", f"It goes {floor} to {self.most:g}")
        return float(value)

    def show(self, value: float) -> str:
        return f"{value:g}"

    def schema(self) -> JsonSchema:
        bound = "exclusiveMinimum" if self.above else "minimum"
        return {"type": "number", bound: self.least, "maximum": self.most}


class Count(Kind, frozen=True):
    """A whole number from `least` to `most`; digits may be grouped (`20 000`)."""

    least: int
    most: int

    def read(self, node: yaml.Node, source: Source) -> int:
        value = node.value if isinstance(node, yaml.Scalar) else None
        if isinstance(value, str) and re.fullmatch(_GROUPED, value):
            value = int(value.replace(" ", ""))
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadValue(f"must be a whole number, is {_written(node)}")
        if not self.least <= value <= self.most:
            raise BadValue(f"{value} is out of range", f"It goes from {self.least} to {self.most}")
        return value

    def schema(self) -> JsonSchema:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [number, {"type": "string", "pattern": _GROUPED}]}


class Format(Kind, frozen=True):
    """The version of the format."""

    version: int

    def read(self, node: yaml.Node, source: Source) -> int:
        if isinstance(node, yaml.Scalar) and node.value == self.version and node.value is not True:
            return self.version
        raise BadValue(
            f"format {_written(node)} is not known here", f"This version reads format {self.version}"
        )

    def schema(self) -> JsonSchema:
        return {"const": self.version}


class Quantity(Kind, frozen=True):
    """A number with a unit, from `least` to `most` in the unit it is kept in."""

    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    pattern: str
    least: float
    most: float

    def read(self, node: yaml.Node, source: Source) -> Any:
        if not isinstance(node, yaml.Scalar):
            raise BadValue(f"must be a number with its unit, is {yaml.describe(node)}")
        value = self.parse(node.text)
        if not self.least <= value <= self.most:
            span = f"It goes from {self.write(self._kept(self.least))} to {self.write(self._kept(self.most))}"
            raise BadValue(f"{node.text} is out of range", span)
        return value

    def _kept(self, bound: float) -> float | int:
        return int(bound) if self.parse is units.parse_size else float(bound)

    def show(self, value: Any) -> str:
        return self.write(value)

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": self.pattern}


def duration(least: float, most: float) -> Quantity:
    """Time, in seconds."""
    return Quantity(units.parse_duration, units.show_duration, units.DURATION_PATTERN, least, most)


def size(least: int, most: int) -> Quantity:
    """An amount of data, in bytes."""
    return Quantity(units.parse_size, units.show_size, units.SIZE_PATTERN, least, most)


def share() -> Quantity:
    """A fraction of a whole, written in per cent."""
    return Quantity(units.parse_percent, units.show_percent, units.PERCENT_PATTERN, 0, 1)


class Written(Kind, frozen=True):
    """Text with a grammar of its own, read by `parse`."""

    parse: Callable[[str], Any]
    pattern: str

    def read(self, node: yaml.Node, source: Source) -> Any:
        if isinstance(node, yaml.Scalar):
            return self.parse(node.text)  # a count alone (`20`) is text here as well
        raise BadValue(f"must be text, is {yaml.describe(node)}")

    def schema(self) -> JsonSchema:
        return {"type": ["string", "integer"], "pattern": self.pattern}


class Normalise(Struct, frozen=True):
    """Whether text is brought to one clean form, and if not, why not."""

    on: bool = True
    reason: str = ""


class Switch(Kind, frozen=True):
    """`on`, or `{off: reason}`: what protects is not switched off without saying why."""

    def read(self, node: yaml.Node, source: Source) -> Normalise:
        hint = "Write on, or {off: the reason}"
        if isinstance(node, yaml.Scalar):
            if node.text == "on":
                return Normalise()
            if node.text == "off":
                raise BadValue("switching it off needs a reason", hint)
        elif isinstance(node, yaml.Mapping) and list(node.items) == ["off"]:
            return Normalise(on=False, reason=Words(200).read(node.items["off"][1], source))
        raise BadValue(f"must be on or off with a reason, is {_written(node)}", hint)

    def show(self, value: Normalise) -> str:
        return "on" if value.on else f"off ({value.reason})"

    def schema(self) -> JsonSchema:
        off = {
            "type": "object",
            "properties": {"off": Words(200).schema()},
            "required": ["off"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"const": "on"}, off]}


class Follows(Struct, frozen=True):
    """A default that depends on what else was said.

    `rule` takes the feature's request type and the keys of the same section that are decided already; it
    gives the value and the reason for it.
    """

    rule: Callable[[str, Mapping[str, Any]], tuple[Any, str]]
    doc: str


class Several(Struct, frozen=True):
    """A list of values of one kind; one value alone may stand for a list of one."""

    each: Kind
    least: int = 0
    most: int = 64
    one: bool = False


class Named(Struct, frozen=True):
    """A mapping whose keys are free, but of a certain form."""

    names: Matching
    each: Kind | None = None
    """The kind of the values; `None` when they are sections."""
    most: int = 64


def show_all(kind: Kind, values: Sequence[Any]) -> str:
    """A list as a person would write it."""
    return f"[{', '.join(kind.show(value) for value in values)}]"


_GROUPED = "^[0-9]{1,3}(?: [0-9]{3})+$"


def _written(node: yaml.Node) -> str:
    return repr(node.text) if isinstance(node, yaml.Scalar) and node.text else yaml.describe(node)
