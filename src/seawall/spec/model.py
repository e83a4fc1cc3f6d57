"""What the files may say, in the order a call travels. Nothing else knows a key by name twice.

Each key has its type, its kind (how it is written), and a sentence for people. `planned` are keys of the
format that this version does not carry out: they are refused, and told apart from typing errors.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Struct

from seawall.spec import kinds, units
from seawall.spec.kinds import (
    Count,
    Follows,
    Format,
    Matching,
    Named,
    Normalise,
    Number,
    OneOf,
    Several,
    Switch,
    Words,
    Written,
)
from seawall.spec.places import (
    Address,
    FileName,
    Listen,
    MachinePath,
    ModelPattern,
    SecretText,
    StoreKind,
    StorePlace,
    Target,
    TargetKind,
    Url,
)
from seawall.spec.secret import Secret
from seawall.spec.units import Concurrency, Rate

FORMAT = 1
KIB, MIB = 1024, 1024 * 1024

RequestType = Literal["realtime", "extraction", "reasoning", "classification"]

TOTALS: Mapping[str, float] = {"realtime": 2.0, "extraction": 15.0, "reasoning": 60.0, "classification": 0.5}
"""Seconds a whole call may take, by request type."""
PASS_THROUGH_TOTAL = 600.0
"""Seconds for calls that name a model: nobody said what kind of work they are, and some think for long."""
MOST_FIRST_TOKEN = 60.0
MOST_IDLE = 20.0

SLUG = Matching(
    r"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$",
    "a name",
    "support-answer: small letters, digits, . _ - (a / is for provider/model)",
)
SEMVER = Matching(
    r"^(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:-[0-9A-Za-z.-]+)?$", "a version", "1.4.0"
)
SLOT = Matching(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$", "a slot's name", "question")
SOURCE = Matching(
    r"^(?:user|metadata\.[A-Za-z0-9_.-]{1,64})$", "where a value comes from", "user or metadata.NAME"
)
PROVIDER = Matching(r"^[a-z0-9][a-z0-9_-]{0,62}$", "a provider's name", "openai or my-vllm")


class Section(Struct, frozen=True, kw_only=True):
    """A mapping with certain keys."""

    planned: ClassVar[frozenset[str]] = frozenset()


def _total(request_type: str, so_far: Mapping[str, Any]) -> tuple[float, str]:
    if request_type:
        return TOTALS[request_type], f"default for {request_type}"
    return PASS_THROUGH_TOTAL, "default for pass-through"


def _first_token(request_type: str, so_far: Mapping[str, Any]) -> tuple[float, str]:
    return min(round(so_far["total"] * 0.6, 3), MOST_FIRST_TOKEN), "default: 60 % of total, 60 s at most"


def _idle(request_type: str, so_far: Mapping[str, Any]) -> tuple[float, str]:
    return min(round(so_far["total"] * 0.5, 3), MOST_IDLE), "default: half of total, 20 s at most"


class Intent(Section, frozen=True, kw_only=True):
    """What the feature is for."""

    planned = frozenset(
        {
            "risk",
            "audience",
            "in_scope",
            "out_of_scope",
            "success",
            "outcome",
            "stakeholders",
            "baseline",
            "evidence",
        }
    )
    problem: Annotated[str, Words(1000), "What is wrong today, for whom."] = ""
    purpose: Annotated[str, Words(300), "What the feature does about it, in one sentence."]
    owner: Annotated[str, Words(100), "The person who answers for it."]
    team: Annotated[str, Words(100), "The team behind the owner."] = ""
    request_type: Annotated[
        RequestType, OneOf(tuple(TOTALS)), "What kind of work it is; the default deadlines follow from it."
    ]


class Input(Section, frozen=True, kw_only=True):
    """What is let in."""

    planned = frozenset({"budget", "guards", "rules", "depth"})
    size: Annotated[int, kinds.size(1, 64 * MIB), "Bytes of all text in a request together."] = 256 * KIB
    messages: Annotated[int, Count(1, 100_000), "Messages in a request."] = 512
    parts: Annotated[int, Count(1, 1_000_000), "Content parts in a request."] = 2048
    rate: Annotated[
        tuple[Rate, ...],
        Several(Written(units.parse_rate, units.RATE_PATTERN), most=16, one=True),
        "So many calls in so much time, for each key, tenant or feature.",
    ] = ()
    concurrency: Annotated[
        tuple[Concurrency, ...],
        Several(Written(units.parse_concurrency, units.CONCURRENCY_PATTERN), most=16, one=True),
        "So many calls at a time, for each key, tenant or feature.",
    ] = ()
    normalise: Annotated[
        Normalise, Switch(), "Bring text to one clean Unicode form without hidden characters."
    ] = Normalise()


class Prompt(Section, frozen=True, kw_only=True):
    """The feature's own prompt."""

    planned = frozenset({"repeat_every"})
    file: Annotated[str, FileName((".md", ".txt")), "The prompt, in sections `--- system` and `--- user`."]
    variables: Annotated[
        dict[str, str],
        Named(SLOT, SOURCE),
        "Where the value of each {{slot}} comes from: user (the last message) or metadata.NAME.",
    ] = {}
    date: Annotated[Literal["none", "today"], OneOf(("none", "today")), "Tell the model what day it is."] = (
        "none"
    )


class Context(Section, frozen=True, kw_only=True):
    """What the model sees."""

    planned = frozenset({"retrieve", "history", "cache"})
    prompt: Annotated[
        Prompt | None, "The feature's own prompt; without it the messages go through as they are."
    ] = None


class Deadline(Section, frozen=True, kw_only=True):
    """How long things may take, in seconds."""

    total: Annotated[
        float,
        kinds.duration(0.001, 3600),
        Follows(_total, "by request type"),
        "The whole call, retries included.",
    ]
    first_token: Annotated[
        float,
        kinds.duration(0.001, 3600),
        Follows(_first_token, "60 % of total, 60 s at most"),
        "Until an attempt's first event.",
    ]
    idle: Annotated[
        float,
        kinds.duration(0.001, 3600),
        Follows(_idle, "half of total, 20 s at most"),
        "Between two events of an attempt.",
    ]


class Retry(Section, frozen=True, kw_only=True):
    """When a target is asked again."""

    attempts: Annotated[int, Count(0, 10), "Further tries after the first."] = 2
    budget: Annotated[float, kinds.share(), "Retries in relation to calls, over time."] = 0.2


class Llm(Section, frozen=True, kw_only=True):
    """How the model is asked."""

    planned = frozenset({"route", "fallback", "lane"})
    temperature: Annotated[float | None, Number(0, 2), "Sampling temperature; unset: the caller's."] = None
    top_p: Annotated[float | None, Number(0, 1, above=True), "Nucleus sampling; unset: the caller's."] = None
    max_tokens: Annotated[
        int | None, Count(1, 1_000_000), "Most tokens of an answer; a caller may ask for less."
    ] = None
    seed: Annotated[int | None, Count(-(2**63), 2**63 - 1), "Seed for providers that take one."] = None
    deadline: Annotated[Deadline, "How long things may take."]
    retry: Annotated[Retry, "When a target is asked again."]


class FeatureLlm(Llm, frozen=True, kw_only=True):
    """Which models are asked, and how."""

    targets: Annotated[
        tuple[Target, ...],
        Several(TargetKind(), least=1, most=16),
        "Models in order of preference, as provider/model@version.",
    ]


class Repair(Section, frozen=True, kw_only=True):
    """What happens to an answer that does not meet its schema."""

    attempts: Annotated[int, Count(0, 1), "How often the model is asked to mend it."] = 1


class Validation(Section, frozen=True, kw_only=True):
    """What an answer must be."""

    planned = frozenset({"citations", "grounding", "hedging", "guards", "stream"})
    output: Annotated[
        str | None, FileName((".json",)), "JSON Schema of the answer (draft 2020-12 unless it says)."
    ] = None
    repair: Annotated[Repair, "What happens to an answer that does not meet it."]


class Keep(Section, frozen=True, kw_only=True):
    """What is remembered of what was said."""

    planned = frozenset({"for", "metadata"})
    content: Annotated[
        Literal["full", "redacted", "none"],
        OneOf(("full", "redacted", "none")),
        "Questions and answers: whole, without what identifies people, or not at all.",
    ] = "redacted"


class Monitoring(Section, frozen=True, kw_only=True):
    """What is remembered of a call."""

    planned = frozenset({"evaluate", "alert", "probes"})
    keep: Annotated[Keep, "What is kept."]


class FeatureFile(Section, frozen=True, kw_only=True):
    """One feature: `features/NAME.yaml`."""

    planned = frozenset({"constraints", "delegation", "acceptance", "release"})
    seawall: Annotated[int, Format(FORMAT), "The version of the format: 1."]
    feature: Annotated[str, SLUG, "Its name; clients send it as `model`."]
    version: Annotated[str, SEMVER, "Semantic version of the feature."] = ""
    intent: Annotated[Intent, "What the feature is for."]
    input: Annotated[Input, "What is let in."]
    context: Annotated[Context, "What the model sees."]
    llm: Annotated[FeatureLlm, "Which models are asked, and how."]
    validation: Annotated[Validation, "What an answer must be."]
    monitoring: Annotated[Monitoring, "What is remembered of a call."]


class ProviderEntry(Section, frozen=True, kw_only=True):
    """One provider: a vendor, or a server of your own."""

    kind: Annotated[
        str, Matching(r"^[a-z][a-z0-9_-]{0,30}$", "a kind of provider", "openai"), "The protocol."
    ] = "openai"
    vendor: Annotated[
        str, PROVIDER, "Whose dialect of it: openai, vllm, ollama, … (default: the name, if known)."
    ] = ""
    base_url: Annotated[
        str, Url(), "Where its API begins, with /v1 where it has one; ${NAME} is expanded."
    ] = ""
    key: Annotated[Secret | None, SecretText(), "The API key, as ${NAME}."] = None
    key_file: Annotated[str, MachinePath(), "A file that holds the API key, instead of `key`."] = ""
    connect_timeout: Annotated[float, kinds.duration(0.001, 60), "Until a connection stands."] = 3.0
    ca_file: Annotated[str, MachinePath(), "Certificates to trust instead of the system's, in PEM."] = ""


class Limits(Section, frozen=True, kw_only=True):
    """What the gateway takes."""

    body: Annotated[int, kinds.size(1024, 1024 * MIB), "Bytes of a request's body."] = 10 * MIB


class PassThrough(Section, frozen=True, kw_only=True):
    """The policy of calls that name `provider/model` instead of a feature."""

    planned = frozenset({"constraints", "delegation"})
    allow_models: Annotated[
        tuple[str, ...],
        Several(ModelPattern(), most=256),
        "Which models may be named so; an empty list closes this door.",
    ] = ("*",)
    input: Annotated[Input, "What is let in."]
    llm: Annotated[Llm, "How the model is asked."]
    validation: Annotated[Validation, "What an answer must be."]
    monitoring: Annotated[Monitoring, "What is remembered of a call."]


def _store(request_type: str, so_far: Mapping[str, Any]) -> tuple[StorePlace, str]:
    return StorePlace(
        "sqlite", path=f"{so_far['state'].rstrip('/')}/seawall.db"
    ), "default: in the state folder"


class ProcessFile(Section, frozen=True, kw_only=True):
    """The process: `seawall.yaml`."""

    seawall: Annotated[int, Format(FORMAT), "The version of the format: 1."]
    listen: Annotated[Address, Listen(), "Where the gateway listens."] = Address("127.0.0.1", 4949)
    state: Annotated[str, MachinePath(), "The folder for what the process keeps."] = ".seawall"
    store: Annotated[
        StorePlace,
        StoreKind(),
        Follows(_store, "seawall.db in the state folder"),
        "Where records are kept: sqlite:PATH or postgresql://…",
    ]
    providers: Annotated[dict[str, ProviderEntry], Named(PROVIDER), "Providers by name."] = {}
    default: Annotated[PassThrough, "The policy of calls that name provider/model instead of a feature."]
    limits: Annotated[Limits, "What the gateway takes."]
    drain: Annotated[
        float, kinds.duration(0, 3600), "How long calls under way may take to end at shutdown."
    ] = 30.0
