"""Names in the spec → classes that are plugged in, by entry point; nothing is imported until named."""

import difflib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from seawall.core.errors import PluginError, UnknownPlugin


class Registry:
    """Finds plug-ins of one kind by name, or by import path (`package.module:Class`) for a project's own."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def names(self) -> list[str]:
        """What is installed, without importing any of it."""
        return sorted({each.name for each in self._entries()})

    def load(self, name: str) -> Any:
        """The class *name* stands for."""
        if ":" in name:
            return self._imported(EntryPoint(name, name, f"seawall.{self._kind}s"))
        for entry in self._entries():
            if entry.name == name:
                return self._imported(entry)
        close = difflib.get_close_matches(name, self.names(), n=1)
        suggestion = f". Did you mean {close[0]!r}?" if close else ""
        raise UnknownPlugin(
            f"unknown {self._kind} {name!r}{suggestion}",
            hint=f"Installed {self._kind}s: {', '.join(self.names()) or 'none'}",
        )

    def _entries(self) -> list[EntryPoint]:
        return list(entry_points(group=f"seawall.{self._kind}s"))

    def _imported(self, entry: EntryPoint) -> Any:
        try:
            return entry.load()
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            raise PluginError(
                f"{self._kind} {entry.name!r} needs the package {missing!r}, which is not installed",
                hint=f"pip install 'seawall[{entry.name}]'",
            ) from error
        except (ImportError, AttributeError) as error:
            raise PluginError(f"{self._kind} {entry.name!r} cannot be loaded from {entry.value!r}") from error
