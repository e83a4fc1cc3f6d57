"""Build hook: compile the price table of the maintained `genai-prices` data set into the package."""

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        import sys

        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        from seawall.runtime.price_source import compile_prices

        target = root / "src" / "seawall" / "_built" / "prices.json"
        target.parent.mkdir(exist_ok=True)
        table = compile_prices(importlib.metadata.version("genai-prices"))
        target.write_text(json.dumps(table, separators=(",", ":"), sort_keys=True), encoding="utf-8")
