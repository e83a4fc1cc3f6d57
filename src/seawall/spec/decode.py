"""Strict decoding of nodes into sections: every wrong value is remembered where it stands, none is guessed.

A value that is wrong is replaced by its default for the rest of the load, so that one load finds as many
problems as there are; `Source.failed` keeps the rules from judging such a value.
"""

from typing import Any, TypeVar

from seawall.core.errors import SpecError
from seawall.spec.kinds import Follows, Kind, Named, Several, show_all
from seawall.spec.layout import Key, Layout
from seawall.spec.model import Section
from seawall.spec.problems import BadValue, NotBuilt, Source, unknown_key
from seawall.spec.yaml import Mapping, Node, Scalar, Sequence, describe

S = TypeVar("S", bound=Section)


class Decoder:
    """Decodes one file."""

    def __init__(self, source: Source, layout: Layout) -> None:
        self._source = source
        self._layout = layout
        self.request_type = ""
        """What the defaults of this file follow from; known once its `intent` is read."""

    def section(self, node: Node, kind: type[S], path: str) -> S | None:
        """A section, or `None` when something that it cannot do without is missing or wrong."""
        if not isinstance(node, Mapping):
            if not (isinstance(node, Scalar) and node.value is None):
                self._source.problem(f"must be a mapping, is {describe(node)}", path, line=node.line)
                return None
            node = Mapping(node.line, {})
        keys = self._layout.keys(kind)
        self._refuse_unknown(node, kind, keys, path)
        values: dict[str, Any] = {}
        whole = True
        for key in keys:
            where = f"{path}.{key.name}" if path else key.name
            stated = node.items.get(key.name)
            if stated is not None:
                self._source.lines[where] = stated[0]
            try:
                values[key.name] = self._key(key, stated and stated[1], where, values)
            except _Missing:
                whole = False
            if key.name == "intent" and values.get("intent") is not None:
                self.request_type = values["intent"].request_type
        return kind(**values) if whole else None

    def _refuse_unknown(self, node: Mapping, kind: type[Section], keys: tuple[Key, ...], path: str) -> None:
        known = [key.name for key in keys]
        for name, (line, _) in node.items.items():
            where = f"{path}.{name}" if path else name
            if name in kind.planned:
                self._source.problem(
                    f"{name!r} is not built yet in this version (known sections: {', '.join(known)})",
                    where,
                    line=line,
                    kind=NotBuilt,
                )
            elif name not in known:
                unknown_key(self._source, name, where, line, known)

    def _key(self, key: Key, node: Node | None, path: str, so_far: dict[str, Any]) -> Any:
        if key.section is not None and key.kind is None:
            return self._inner(key, key.section, node, path)
        if node is None:
            if key.required:
                self._source.problem(f"missing key {key.name!r}", path, key.doc)
                raise _Missing
            return self._default(key, path, so_far)
        try:
            value = self._value(key, node, path)
        except BadValue as error:
            self._wrong(error, node, path)
        else:
            self._source.origins[path] = f"{self._source.file}:{node.line}"
            return value
        if key.required:
            raise _Missing
        return self._default(key, path, so_far)

    def _inner(self, key: Key, section: type[Section], node: Node | None, path: str) -> Section | None:
        if node is None and key.optional:
            self._source.origins[path] = "default"
            return None
        if node is None and (needs := self._layout.missing(section)):
            self._source.problem(f"missing section {key.name!r}", path, f"It needs: {', '.join(needs)}")
            raise _Missing
        found = self.section(Mapping(0, {}) if node is None else node, section, path)
        if found is None and not key.optional:
            raise _Missing
        return found

    def _default(self, key: Key, path: str, so_far: dict[str, Any]) -> Any:
        if isinstance(key.follows, Follows):
            value, why = key.follows.rule(self.request_type, so_far)
            self._source.origins[path] = why
            return value
        self._source.origins[path] = "default"
        return key.default

    def _value(self, key: Key, node: Node, path: str) -> Any:
        if isinstance(key.kind, Several):
            return self._several(key.kind, node, path)
        if isinstance(key.kind, Named):
            return self._named(key.kind, key.section, node, path)
        if key.kind is None:
            raise TypeError(f"key {key.name!r} has no kind")
        return key.kind.read(node, self._source)

    def _several(self, kind: Several, node: Node, path: str) -> tuple[Any, ...]:
        if not isinstance(node, Sequence):
            if kind.one and isinstance(node, Scalar) and node.value is not None:
                return (kind.each.read(node, self._source),)
            raise BadValue(f"must be a list, is {describe(node)}", "Write it like [a, b], or one item a line")
        if not kind.least <= len(node.items) <= kind.most:
            count = f"{kind.least} to {kind.most}" if kind.least else f"at most {kind.most}"
            raise BadValue(f"has {len(node.items)} items; takes {count}")
        values = []
        for number, item in enumerate(node.items):
            where = f"{path}[{number}]"
            self._source.lines[where] = item.line
            try:
                value = kind.each.read(item, self._source)
            except BadValue as error:
                self._wrong(error, item, where)
                continue
            if value in values:
                self._wrong(BadValue(f"{kind.each.show(value)!r} a second time"), item, where)
            values.append(value)
        if not values and kind.least:
            raise _Missing
        return tuple(values)

    def _named(self, kind: Named, section: type[Section] | None, node: Node, path: str) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise BadValue(f"must be a mapping, is {describe(node)}")
        if len(node.items) > kind.most:
            raise BadValue(f"has {len(node.items)} entries; takes at most {kind.most}")
        values: dict[str, Any] = {}
        for name, (line, item) in node.items.items():
            where = f"{path}.{name}"
            self._source.lines[where] = line
            try:
                kind.names.read(Scalar(line, name, name), self._source)
                if section is not None:
                    values[name] = self.section(item, section, where)
                elif kind.each is not None:
                    values[name] = kind.each.read(item, self._source)
            except BadValue as error:
                self._wrong(error, item, where)
        return {name: value for name, value in values.items() if value is not None}

    def _wrong(self, error: BadValue, node: Node, path: str) -> None:
        hint = error.hint
        if isinstance(node, Scalar) and "${" in node.text and node.text in str(error):
            hint = f"{hint}\nVariables are expanded only in store, base_url and key".lstrip("\n")
        self._source.problem(str(error), path, hint, line=node.line, kind=SpecError)


def show(key: Key, value: Any) -> str:
    """The value of *key* as a person would write it."""
    if value is None:
        return "unset"
    if value in ("", (), {}):
        return "none"
    if isinstance(key.kind, Several):
        return show_all(key.kind.each, value)
    if isinstance(key.kind, Named):
        return f"{{{', '.join(f'{name}: {each}' for name, each in value.items())}}}"
    return key.kind.show(value) if isinstance(key.kind, Kind) else str(value)


class _Missing(Exception):
    """Something required is not there; it has been remembered already."""
