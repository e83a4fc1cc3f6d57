"""What a feature came to: every value in force, in the order a call travels, and where it came from."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from seawall.spec.decode import show
from seawall.spec.layout import Layout
from seawall.spec.model import Prompt, Section
from seawall.spec.plan import Feature, plain


class Row(Struct, frozen=True):
    """One value in force."""

    path: str
    value: Any
    """As the runtime has it: seconds, bytes, fractions."""
    shown: str
    """As a person would write it."""
    origin: str
    """`file:line`, or which default it is."""


def explain(feature: Feature) -> list[Row]:
    """Every value of *feature*, in the order a call travels."""
    return list(_rows(feature, Layout()))


def _rows(feature: Feature, layout: Layout) -> Iterator[Row]:
    origins = feature.origins
    if feature.intent is not None:
        yield from _section("intent", feature.intent, origins, layout)
    yield from _section("input", feature.input, origins, layout)
    if feature.prompt is not None:
        prompt = Prompt(
            file=feature.prompt.file,
            variables=feature.prompt.variables,
            date="today" if feature.prompt.date else "none",
        )
        yield from _section("context.prompt", prompt, origins, layout)
    else:
        yield Row("context.prompt", None, "none", origins.get("context.prompt", "default"))
    yield from _section("llm", feature.llm, origins, layout)
    yield from _section("validation", feature.validation, origins, layout)
    yield from _section("monitoring", feature.monitoring, origins, layout)


def _section(path: str, section: Section, origins: dict[str, str], layout: Layout) -> Iterator[Row]:
    for key in layout.keys(type(section)):
        where = f"{path}.{key.name}"
        value = getattr(section, key.name)
        if isinstance(value, Section):
            yield from _section(where, value, origins, layout)
        else:
            builtin = msgspec.to_builtins(value, enc_hook=plain)
            yield Row(where, builtin, show(key, value), origins[where])


def as_text(feature: Feature, rows: list[Row]) -> str:
    """A page for people."""
    name = f"{feature.name} {feature.version}".strip()
    lines = [f"{name}   digest {feature.digest}", ""]
    width = max(len(row.path) for row in rows)
    shown = max(min(len(row.shown), _WIDE) for row in rows)
    lines += [f"{row.path:<{width}}  {row.shown:<{shown}}  {row.origin}" for row in rows]
    lines += ["", "files" if feature.files else "files  none"]
    lines += [f"  {digest[:16]}  {file}" for file, digest in sorted(feature.files.items())]
    return "\n".join(lines)


def as_json(feature: Feature, rows: list[Row]) -> bytes:
    """The same for machines, as one JSON document."""
    document = {
        "feature": feature.name,
        "version": feature.version,
        "file": feature.file,
        "digest": feature.digest,
        "targets": [str(target) for target in feature.targets],
        "files": feature.files,
        "plan": rows,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


_WIDE = 44
