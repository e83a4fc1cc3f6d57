"""A project as it was read: every value resolved, every default filled in, every file it names at hand."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from seawall.spec.model import Input, Intent, Llm, Monitoring, Validation
from seawall.spec.output import OutputSchema
from seawall.spec.places import Address, StorePlace, Target
from seawall.spec.problems import SpecWarning
from seawall.spec.prompt import PromptTemplate
from seawall.spec.secret import Secret

DEFAULT_FEATURE = "default"
"""The name under which calls of `provider/model` are counted and recorded."""


class Provider(Struct, frozen=True):
    """A provider the project declares."""

    name: str
    kind: str
    vendor: str
    """A known vendor, or empty for a server of no known dialect."""
    base_url: str
    """Empty: the vendor's own."""
    key: Secret | None
    """`None`: the runtime looks where the vendor's own clients look."""
    connect_timeout: float
    """In seconds."""
    ca_file: str
    """An absolute path; empty: the system's certificates."""


class PromptPlan(Struct, frozen=True):
    """A feature's own prompt."""

    file: str
    digest: str
    """sha256 of the file, in hex."""
    template: PromptTemplate
    variables: dict[str, str]
    """Slot -> `user` or `metadata.NAME`. All of it is untrusted."""
    date: bool
    """Whether the model is told what day it is; the slot `date` then stands for it."""


class Feature(Struct, frozen=True):
    """One feature, or the policy of pass-through calls (`name` is `default`, `intent` is `None`)."""

    name: str
    version: str
    file: str
    intent: Intent | None
    input: Input
    prompt: PromptPlan | None
    llm: Llm
    targets: tuple[Target, ...]
    """In order of preference; empty for pass-through, where the caller names the model."""
    validation: Validation
    output: OutputSchema | None
    monitoring: Monitoring
    files: dict[str, str]
    """Every file it names, relative to the project, and its sha256 in hex."""
    origins: dict[str, str]
    """Dotted path of each value -> `file:line`, or which default it is."""
    digest: str = ""
    """sha256 of all that decides how a call is treated, in hex."""

    @property
    def request_type(self) -> str:
        """What kind of work it is; empty for pass-through."""
        return self.intent.request_type if self.intent else ""


class Project(Struct, frozen=True):
    """A project folder, read and found sound."""

    root: Path
    listen: Address
    state: str
    """Relative to the project folder, unless absolute."""
    store: StorePlace
    providers: dict[str, Provider]
    features: dict[str, Feature]
    default: Feature
    allow_models: tuple[str, ...]
    """Patterns (`*` is any run of characters) of what pass-through calls may name; empty: nothing."""
    body_limit: int
    """Bytes of a request's body."""
    drain: float
    """Seconds that calls under way may take to end at shutdown."""
    warnings: tuple[SpecWarning, ...]
    origins: dict[str, str]
    digest: str = ""
    """Over all features, the default and the process's limits; where the process runs is left out."""

    @property
    def store_file(self) -> Path | None:
        """The SQLite database's file, or `None` for PostgreSQL."""
        return self.root / self.store.path if self.store.kind == "sqlite" else None

    @property
    def state_folder(self) -> Path:
        """Where the process keeps what it keeps."""
        return self.root / self.state


def plain(value: Any) -> Any:
    """A value of the plan that JSON has no word for. Secrets become the name of their source."""
    if isinstance(value, Secret):
        return repr(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} has no plain form")
