"""JSON Schema of the two kinds of files, for editors; made from the model, so that they cannot disagree.

It accepts all that a load accepts; a load refuses more, since it also looks at what stands around a value.
"""

from typing import Any, Literal

import msgspec

from seawall.spec.kinds import JsonSchema, Kind, Named, Several
from seawall.spec.layout import Key, Layout
from seawall.spec.model import FeatureFile, ProcessFile, Section

FileKind = Literal["feature", "project"]
FILES: dict[FileKind, type[Section]] = {"feature": FeatureFile, "project": ProcessFile}


def json_schema(kind: FileKind) -> JsonSchema:
    """The schema of `features/*.yaml` (*kind* `feature`) or of `seawall.yaml` (`project`)."""
    file = FILES[kind]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Seawall {kind} file",
        **_section(file, Layout()),
        "type": "object",
    }


def _section(section: type[Section], layout: Layout) -> JsonSchema:
    keys = layout.keys(section)
    required = [key.name for key in keys if key.required or _needed(key, layout)]
    return {
        "type": ["object", "null"],
        "description": _first_line(section),
        "properties": {key.name: _key(key, layout) for key in keys},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _needed(key: Key, layout: Layout) -> bool:
    """Whether it is a section that must be there for what is inside."""
    inner = key.section if key.kind is None and not key.optional else None
    return inner is not None and bool(layout.missing(inner))


def _key(key: Key, layout: Layout) -> JsonSchema:
    return {**_value(key, layout), "description": key.doc, **_default(key)}


def _value(key: Key, layout: Layout) -> JsonSchema:
    if isinstance(key.kind, Several):
        return _several(key.kind)
    if isinstance(key.kind, Named):
        inner = _section(key.section, layout) if key.section else key.kind.each and key.kind.each.schema()
        names = {"pattern": key.kind.names.pattern}
        return {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": inner,
            "maxProperties": key.kind.most,
        }
    if key.kind is not None:
        return key.kind.schema()
    if key.section is None:
        raise TypeError(f"key {key.name!r} has neither a kind nor a section")
    return _section(key.section, layout)


def _several(kind: Several) -> JsonSchema:
    each = kind.each.schema()
    listed: dict[str, Any] = {
        "type": "array",
        "items": each,
        "maxItems": kind.most,
        "uniqueItems": True,
        **({"minItems": kind.least} if kind.least else {}),
    }
    return {"anyOf": [each, listed]} if kind.one else listed


def _default(key: Key) -> JsonSchema:
    if key.follows is not None:
        return {"description": f"{key.doc} Default: {key.follows.doc}."}
    value = key.default
    if key.required or key.section is not None or value is None or value in ("", (), {}):
        return {}
    if isinstance(value, int | str) and not isinstance(key.kind, Kind):
        return {"default": value}
    if isinstance(value, tuple):
        return {"default": list(value)}
    shown = key.kind.show(value) if isinstance(key.kind, Kind) else value
    return {"default": msgspec.to_builtins(value) if isinstance(value, bool) else shown}


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]
