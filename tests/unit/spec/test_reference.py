"""The tables of keys in the reference are those of the model.

With `SEAWALL_GOLDEN=write` in the environment they are written instead of compared.
"""

import os
import re
from pathlib import Path

import pytest

from seawall.spec.decode import show
from seawall.spec.layout import Layout
from seawall.spec.model import FeatureFile, ProcessFile

PAGE = Path(__file__).parents[3] / "docs/reference/spec.md"
FILES = {"feature": FeatureFile, "project": ProcessFile}


def rows(section, layout, path=""):
    for key in layout.keys(section):
        where = f"{path}.{key.name}" if path else key.name
        if key.section is not None and key.kind is None:
            if where not in ("default.input", "default.llm", "default.validation", "default.monitoring"):
                yield from rows(key.section, layout, where)
            else:
                yield f"| `{where}` | {key.doc} | as in a feature |"
            continue
        if key.required:
            default = "**required**"
        elif key.follows:
            default = key.follows.doc
        else:
            default = show(key, key.default)
        yield f"| `{where}` | {key.doc} | {default} |"
        if key.section is not None:
            yield from rows(key.section, layout, f"{where}.NAME")


@pytest.mark.parametrize("name", FILES)
def test_the_reference_lists_every_key(name):
    table = "\n".join(["| key | what it says | default |", "|---|---|---|", *rows(FILES[name], Layout())])
    begin, end = f"<!-- keys of {name} -->", f"<!-- end of {name} -->"
    page = PAGE.read_text()
    between = re.compile(f"(?<={re.escape(begin)}\n).*?(?=\n{re.escape(end)})", re.DOTALL)
    if os.environ.get("SEAWALL_GOLDEN") == "write":
        page = between.sub(lambda _: table, page)
        PAGE.write_text(page)
    found = between.search(page)
    assert found
    assert found[0] == table
