"""Everything that is wrong with a project at once: problems are collected, then raised together."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from seawall.core.errors import SpecError, SpecSyntaxError, UnknownKey


class BadValue(ValueError):
    """A value is not of its kind. Says what is wrong; where it stands is added by whoever reads the file."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class NotBuilt(SpecError):
    """The file uses a part of the format that this version does not carry out."""

    code = "not_built"


class SpecErrors(SpecError):
    """All problems of a project. Its text lists every one of them."""

    def __init__(self, problems: Iterable[SpecError]) -> None:
        self.problems: tuple[SpecError, ...] = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the spec")

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.problems))


class SpecWarning(Struct, frozen=True):
    """Something that is allowed but likely not meant."""

    message: str
    file: str
    line: int = 0
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return str(
            SpecError(
                f"warning: {self.message}", file=self.file, line=self.line, path=self.path, hint=self.hint
            )
        )


class Findings:
    """The problems and warnings met while a project is read."""

    def __init__(self) -> None:
        self.problems: list[SpecError] = []
        self.warnings: list[SpecWarning] = []

    def raise_any(self) -> None:
        """Raise `SpecErrors` if there is any problem."""
        if self.problems:
            raise SpecErrors(sorted(self.problems, key=lambda each: (_rank(each.file), each.line)))


class Source:
    """One file while it is read: where it is, what stands on which line, and what was wrong with it."""

    def __init__(self, path: Path, root: Path, findings: Findings, environ: Mapping[str, str]) -> None:
        self.path = path
        self.root = root
        self.file = path.relative_to(root).as_posix()
        self.findings = findings
        self.environ = environ
        self.lines: dict[str, int] = {}
        """Dotted path of each value that the file states, and its line."""
        self.origins: dict[str, str] = {}
        """Dotted path of each value in force, and where it came from."""
        self.failed: set[str] = set()
        """Dotted paths that were wrong: what depends on them is not judged."""

    @property
    def folder(self) -> Path:
        """What relative paths in this file are relative to."""
        return self.path.parent

    def line_of(self, path: str) -> int:
        """The line of *path*, or of the nearest thing around it that the file states."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return 1

    def problem(
        self, message: str, path: str, hint: str = "", *, line: int = 0, kind: type[SpecError] = SpecError
    ) -> None:
        """Remember a problem at *path* (or *line*)."""
        self.failed.add(path)
        self.findings.problems.append(
            kind(message, file=self.file, line=line or self.line_of(path), path=path, hint=hint)
        )

    def warn(self, message: str, path: str, hint: str = "") -> None:
        """Remember a warning at *path*."""
        self.findings.warnings.append(SpecWarning(message, self.file, self.line_of(path), path, hint))

    def sound(self, *paths: str) -> bool:
        """Whether nothing was wrong at any of *paths*, so that a rule may look at them."""
        return self.failed.isdisjoint(paths)


def syntax_problem(source: Source, message: str, line: int, hint: str = "") -> None:
    """Remember that *source* cannot be read as the strict YAML subset."""
    source.problem(message, "", hint, line=line, kind=SpecSyntaxError)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean …?` with the nearest of *known*, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f". Did you mean {near[0]!r}?" if near else ""


def unknown_key(source: Source, key: str, path: str, line: int, known: Iterable[str]) -> None:
    """Remember a key that does not exist."""
    names = list(known)
    source.problem(
        f"unknown key {key!r}{did_you_mean(key, names)}",
        path,
        f"Known keys: {', '.join(names)}",
        line=line,
        kind=UnknownKey,
    )


def _rank(file: str) -> tuple[bool, str]:
    return (file != "seawall.yaml", file)
