"""Kinds of values that point somewhere: targets, addresses, files, stores, secrets.

Environment variables are expanded only here, only in the kinds that say so, and what comes out is a value:
it is never read as YAML again.
"""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from seawall.spec import yaml
from seawall.spec.kinds import JsonSchema, Kind, text_of
from seawall.spec.problems import BadValue, Source
from seawall.spec.secret import Secret

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_WHOLE = re.compile(r"(?:env\.|os\.environ/)([A-Za-z_][A-Za-z0-9_]*)\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TARGET = r"^[a-z0-9][a-z0-9_-]{0,62}/[^\s@/][^\s@]{0,200}(?:@[^\s@/]{1,100})?$"
_MODELS = r"^(?:\*|[a-z0-9*][a-z0-9_*-]{0,62}/[^\s?\[\]]{1,200})$"


class Target(Struct, frozen=True):
    """A model at a provider, in a certain version where that is pinned."""

    provider: str
    model: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}" + (f"@{self.version}" if self.version else "")


class Address(Struct, frozen=True):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class StorePlace(Struct, frozen=True):
    """Where records are kept: the file of an SQLite database, or the URL of a PostgreSQL one."""

    kind: Literal["sqlite", "postgresql"]
    path: str = ""
    """Relative to the project folder, unless absolute."""
    url: Secret | None = None


class TargetKind(Kind, frozen=True):
    """`provider/model@version`."""

    def read(self, node: yaml.Node, source: Source) -> Target:
        text = text_of(node)
        if not re.fullmatch(_TARGET, text):
            raise BadValue(f"{text!r} is not a target", "Write it like openai/gpt-4.1-mini@2025-04-14")
        provider, _, rest = text.partition("/")
        model, _, version = rest.partition("@")
        return Target(provider, model, version)

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": _TARGET}


class ModelPattern(Kind, frozen=True):
    """Which models may be named: `provider/model`, with `*` for any run of characters."""

    def read(self, node: yaml.Node, source: Source) -> str:
        text = text_of(node)
        if not re.fullmatch(_MODELS, text):
            raise BadValue(
                f"{text!r} is not a pattern of models", "Write it like openai/* or */gpt-4.1*, or *"
            )
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": _MODELS}


class Listen(Kind, frozen=True):
    """`host:port`."""

    def read(self, node: yaml.Node, source: Source) -> Address:
        text = node.text if isinstance(node, yaml.Scalar) else yaml.describe(node)
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        if (
            not host
            or not re.fullmatch(r"[0-9]{1,5}\Z", port)
            or int(port) > 65535
            or not re.match(_HOST, host)
        ):
            raise BadValue(f"{text!r} is not host:port", "Write it like 127.0.0.1:4949 or [::1]:4949")
        return Address(host, int(port))

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"}


class FileName(Kind, frozen=True):
    """A file of the project, named relative to the file that names it; kept relative to the project."""

    suffixes: tuple[str, ...]

    def read(self, node: yaml.Node, source: Source) -> str:
        text = text_of(node)
        if "\\" in text or "\x00" in text or text.startswith(("/", "~")):
            raise BadValue(f"{text!r} is not a relative path", f"It is relative to {source.file}")
        if not text.endswith(self.suffixes):
            raise BadValue(f"{text!r} does not end in {' or '.join(self.suffixes)}")
        try:
            path = (source.folder / text).resolve()
        except (OSError, RuntimeError) as error:  # a circle of links, a name too long
            raise BadValue(f"{text[:80]!r} leads nowhere") from error
        if not path.is_relative_to(source.root):
            raise BadValue(f"{text!r} is outside the project", "A project holds every file it names")
        shown = path.relative_to(source.root).as_posix()
        if not is_file(path):
            raise BadValue(f"there is no file {shown!r}", f"{text!r} is relative to {source.file}")
        return shown

    def schema(self) -> JsonSchema:
        ends = "|".join(re.escape(each) for each in self.suffixes)
        return {"type": "string", "pattern": rf"^[^/~\\].*(?:{ends})$"}


class MachinePath(Kind, frozen=True):
    """A path on the machine: absolute, or relative to the project."""

    def read(self, node: yaml.Node, source: Source) -> str:
        text = text_of(node)
        if not text or "\x00" in text or text.startswith("~"):
            raise BadValue(f"{text!r} is not a path", f"Absolute, or relative to {source.file}")
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": "^[^~]"}


class Url(Kind, frozen=True):
    """An http or https URL without credentials, query or fragment; variables are expanded."""

    def read(self, node: yaml.Node, source: Source) -> str:
        text = expand(text_of(node), source).rstrip("/")
        hint = "Write it like http://127.0.0.1:8000/v1; a key belongs in `key`"
        try:
            url = urlsplit(text)
            has_port = url.port is None or 0 < url.port < 65536
        except ValueError:
            has_port = False
            url = urlsplit("")
        if url.username is not None or url.password is not None or url.query or url.fragment:
            raise BadValue("the URL holds credentials, a query or a fragment", hint)
        if (
            url.scheme not in ("http", "https")
            or not url.hostname
            or not has_port
            or not _VISIBLE.match(text)
        ):
            raise BadValue("is not an http or https URL", hint)  # what it expands to is not for a message
        return text

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^(?:https?://|\$\{|env\.|os\.environ/)"}


class SecretText(Kind, frozen=True):
    """A secret; variables are expanded."""

    def read(self, node: yaml.Node, source: Source) -> Secret:
        if not isinstance(node, yaml.Scalar) or not isinstance(node.value, str):
            raise BadValue(f"must be text, is {yaml.describe(node)}", "Write it like ${OPENAI_API_KEY}")
        value = expand(node.value, source).strip()
        if not _VISIBLE.match(value):
            raise BadValue("the key is empty or holds spaces or characters that no header can carry")
        whole = _WHOLE.match(node.value) or _VARIABLE.fullmatch(node.value)
        return Secret(value, f"${{{whole[1]}}}" if whole else "")

    def show(self, value: Secret | None) -> str:
        return "none" if value is None else f"from {value.name}" if value.name else "written in the file"

    def schema(self) -> JsonSchema:
        return {"type": "string", "minLength": 1}


class StoreKind(Kind, frozen=True):
    """`sqlite:PATH` or `postgresql://…`; variables are expanded, and the URL is kept as a secret."""

    def read(self, node: yaml.Node, source: Source) -> StorePlace:
        text = expand(text_of(node), source)
        if text.startswith("sqlite:") and len(text) > len("sqlite:") and not text.startswith("sqlite://"):
            return StorePlace("sqlite", path=text.removeprefix("sqlite:"))
        if text.startswith("postgresql://") and len(text) > len("postgresql://"):
            return StorePlace("postgresql", url=Secret(text, "postgresql://…"))
        raise BadValue(
            "is neither sqlite:PATH nor postgresql://…",
            "Write it like sqlite:records.db, or ${DATABASE_URL} holding postgresql://user:password@host/name",
        )

    def show(self, value: StorePlace) -> str:
        return f"sqlite:{value.path}" if value.kind == "sqlite" else "postgresql://…"

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": r"^(?:sqlite:|postgresql://|\$\{|env\.|os\.environ/)."}


def expand(text: str, source: Source) -> str:
    """*text* with `${NAME}` (or `env.NAME`, `os.environ/NAME` as a whole) replaced from the environment.

    Raises `BadValue` naming the variable, never a value, when one is missing or empty.
    """
    whole = _WHOLE.match(text)
    if whole:
        return _lookup(whole[1], source)
    return _VARIABLE.sub(lambda found: _lookup(found[1], source), text)


def is_file(path: Path) -> bool:
    """Whether there is a file at *path*; a name that cannot be one is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_key_file(name: str, source: Source) -> Secret:
    """The secret kept in a file of the machine. Raises `BadValue`."""
    path = source.root / Path(name)
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_KEY_BYTES + 1)
    except OSError as error:
        raise BadValue(f"key file {name!r} cannot be read: {error.strerror}") from error
    try:
        value = raw.decode("ascii").strip() if len(raw) <= _MOST_KEY_BYTES else ""
    except UnicodeDecodeError:
        value = ""
    if not _VISIBLE.match(value):
        raise BadValue(f"key file {name!r} does not hold one key", "One line of visible ASCII characters")
    return Secret(value, name)


_MOST_KEY_BYTES = 16 * 1024
_VISIBLE = re.compile(r"[!-~]+\Z")
_HOST = re.compile(r"[A-Za-z0-9._:-]+\Z")


def _lookup(name: str, source: Source) -> str:
    if not _NAME.match(name):
        # What stands inside is not shown: people write secrets there as defaults.
        raise BadValue("a variable that is not written ${NAME}", "No defaults, no nesting: only ${NAME}")
    value = source.environ.get(name, "")
    if not value:
        raise BadValue(f"environment variable {name!r} is not set", f"export {name}=…, or change this value")
    return value
