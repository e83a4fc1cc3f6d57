"""The keys of a section as a table, made from its annotations."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

from seawall.spec.kinds import Follows, Kind, Named, Several
from seawall.spec.model import Section


class Key(Struct, frozen=True, kw_only=True):
    """One key of a section."""

    name: str
    doc: str
    kind: Kind | Several | Named | None
    """How its value is written; `None` when it is a section."""
    section: type[Section] | None = None
    """The section it holds, or that each of its named members is."""
    optional: bool = False
    """A section that is not there at all unless it is stated."""
    default: Any = NODEFAULT
    follows: Follows | None = None

    @property
    def required(self) -> bool:
        """Whether a file must state it."""
        if self.section is not None and self.kind is None:
            return False
        return self.default is NODEFAULT and self.follows is None


class Layout:
    """Knows the keys of sections. Made once for a load, so that nothing is worked out twice."""

    def __init__(self) -> None:
        self._known: dict[type[Section], tuple[Key, ...]] = {}

    def keys(self, section: type[Section]) -> tuple[Key, ...]:
        """The keys of *section*; those of a more special section come before the general ones."""
        if section not in self._known:
            fields = msgspec.structs.fields(section)
            own = section.__annotations__
            ordered = sorted(fields, key=lambda field: field.name not in own)
            self._known[section] = tuple(_key(field) for field in ordered)
        return self._known[section]

    def missing(self, section: type[Section]) -> tuple[str, ...]:
        """What a file must state in *section*, directly or further inside."""
        return tuple(self._missing(section))

    def _missing(self, section: type[Section]) -> Iterator[str]:
        for key in self.keys(section):
            if key.required:
                yield key.name
            elif key.section is not None and key.kind is None and not key.optional:
                yield from (f"{key.name}.{name}" for name in self.missing(key.section))


def _key(field: msgspec.structs.FieldInfo) -> Key:
    annotated = field.type
    if get_origin(annotated) is not Annotated:
        raise TypeError(f"key {field.name!r} is not annotated with its kind")
    typed, *marks = get_args(annotated)
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    section = _section(typed)
    return Key(
        name=field.name,
        doc=next(mark for mark in marks if isinstance(mark, str)),
        kind=next((mark for mark in marks if isinstance(mark, Kind | Several | Named)), None),
        section=section,
        optional=section is not None and default is None,
        default=default,
        follows=next((mark for mark in marks if isinstance(mark, Follows)), None),
    )


def _section(typed: Any) -> type[Section] | None:
    """The section in `S`, `S | None` or `dict[str, S]`."""
    if isinstance(typed, type) and issubclass(typed, Section):
        return typed
    if get_origin(typed) in (Union, types.UnionType, dict):
        return next((found for each in get_args(typed) if (found := _section(each))), None)
    return None
