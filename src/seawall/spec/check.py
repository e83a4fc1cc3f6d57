"""Rules across keys: what each key says is sound, but do they hold together?

A rule looks only at values that were read without a problem, so that one mistake is reported once.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from seawall.core.errors import SpecConflict, UnknownPlugin
from seawall.spec.model import FeatureFile, Input, Llm, PassThrough, ProcessFile, Prompt, Validation
from seawall.spec.places import Target
from seawall.spec.plan import DEFAULT_FEATURE
from seawall.spec.problems import Source, did_you_mean
from seawall.spec.prompt import PromptTemplate
from seawall.spec.units import show_duration, show_size

HOT = 1.0
"""A temperature above this is no use where there is one right answer."""
DATE_SLOT = "date"


class Known(Struct, frozen=True):
    """What names may refer to."""

    vendors: frozenset[str]
    """Vendors whose dialect is known."""
    without_address: frozenset[str]
    """Those of them that have no usual address, and so need an entry with a `base_url`."""
    kinds: tuple[str, ...]
    """Kinds of providers that are installed."""
    declared: frozenset[str] = frozenset()
    """Providers the project declares."""

    @property
    def providers(self) -> list[str]:
        """Every provider a target may name."""
        return sorted((self.vendors - self.without_address) | self.declared)


def check_feature(feature: FeatureFile, source: Source, known: Known) -> None:
    """The rules for a feature file."""
    if source.sound("feature") and feature.feature == DEFAULT_FEATURE:
        source.problem(
            f"{DEFAULT_FEATURE!r} is the name of calls that name provider/model",
            "feature",
            "Give the feature another name; the policy of those calls is `default` in seawall.yaml",
        )
    _check_targets(feature.llm.targets, source, known)
    _check_llm(feature.llm, source, "llm")
    _check_validation(feature.validation, source, "validation")
    temperature = feature.llm.temperature
    kind = feature.intent.request_type
    if kind in ("classification", "extraction") and temperature is not None and temperature > HOT:
        source.warn(
            f"temperature {temperature:g} for {kind}",
            "llm.temperature",
            "There is one right answer: 0 to 0.3",
        )


def check_pass_through(default: PassThrough, source: Source, known: Known) -> None:
    """The rules for the policy of calls that name a model."""
    _check_llm(default.llm, source, "default.llm")
    _check_validation(default.validation, source, "default.validation")
    for number, pattern in enumerate(default.allow_models):
        provider = pattern.partition("/")[0]
        if "*" not in provider and provider not in known.providers:
            _unknown_provider(provider, f"default.allow_models[{number}]", source, known)


def check_process(process: ProcessFile, source: Source, known: Known) -> None:
    """The rules for seawall.yaml."""
    for name, entry in process.providers.items():
        path = f"providers.{name}"
        if entry.kind not in known.kinds:
            source.problem(
                f"unknown kind of provider {entry.kind!r}{did_you_mean(entry.kind, known.kinds)}",
                f"{path}.kind",
                f"Installed kinds: {', '.join(known.kinds)}",
                kind=UnknownPlugin,
            )
        if entry.vendor and entry.vendor not in known.vendors:
            source.problem(
                f"unknown vendor {entry.vendor!r}{did_you_mean(entry.vendor, known.vendors)}",
                f"{path}.vendor",
                f"Known vendors: {', '.join(sorted(known.vendors))}. Leave it out for a server of your own",
                kind=UnknownPlugin,
            )
        at_home = (entry.vendor or name) in known.vendors - known.without_address
        if not entry.base_url and not at_home and source.sound(f"{path}.base_url"):
            message = f"{name!r} has no usual address, so its own is needed"
            source.problem("missing key 'base_url'", path, message)
        if entry.key is not None and entry.key_file:
            _conflict(source, f"{path}.key_file", "both key and key_file", "Keep one of them")
        if entry.key is not None and not entry.key.name:
            source.warn("an API key is written in the file", f"{path}.key", "Write ${NAME} and export it")


def check_sizes(sizes: Iterable[tuple[Input, Source, str]], body: int) -> None:
    """What a feature takes must fit into a request's body."""
    for each, source, path in sizes:
        if each.size > body and source.sound(path, "limits.body"):
            message = f"{show_size(each.size)} of text do not fit into a body of {show_size(body)}"
            _conflict(source, path, message, "Lower it, or raise limits.body in seawall.yaml")


def check_names(named: Iterable[tuple[str, Source]]) -> None:
    """Each feature has a name of its own."""
    first: dict[str, Source] = {}
    for name, source in named:
        if name in first:
            other = first[name]
            where = f"{other.file}:{other.line_of('feature')}"
            _conflict(source, "feature", f"a second feature {name!r}", f"The first is in {where}")
        first.setdefault(name, source)


def check_prompt(prompt: Prompt, template: PromptTemplate, source: Source, path: str) -> None:
    """Slots and variables match, and nothing untrusted stands where the feature itself speaks."""
    has_date = prompt.date == "today"
    if DATE_SLOT in prompt.variables:
        _conflict(
            source, f"{path}.variables.{DATE_SLOT}", "'date' is the slot of today's date", "Write date: today"
        )
    known = [*prompt.variables, *([DATE_SLOT] if has_date else [])]
    used: set[str] = set()
    for part in template.parts:
        for slot in part.slots:
            used.add(slot.name)
            place = f"{prompt.file}:{slot.line}"
            if slot.name not in known:
                hint = (
                    "Write date: today" if slot.name == DATE_SLOT else f"Known: {', '.join(known) or 'none'}"
                )
                guess = did_you_mean(slot.name, known)
                _conflict(source, f"{path}.file", f"{place} has an unknown slot {slot.name!r}{guess}", hint)
            elif slot.name in prompt.variables and part is not template.closing:
                origin = prompt.variables[slot.name]
                _conflict(
                    source,
                    f"{path}.variables.{slot.name}",
                    f"{place} puts {slot.name!r} ({origin}: untrusted) into section {part.role!r}",
                    "What comes from outside may stand only in the user section at the end",
                )
    for name in prompt.variables:
        if name not in used and name != DATE_SLOT:
            _conflict(
                source,
                f"{path}.variables.{name}",
                f"no slot {name!r} in {prompt.file}",
                "Use it or take it out",
            )


def _check_targets(targets: Collection[Target], source: Source, known: Known) -> None:
    # A list with a wrong item has lost it, so positions come from the place remembered while reading.
    whole = not any(path.startswith("llm.targets[") for path in source.failed)
    for number, target in enumerate(targets):
        path = f"llm.targets[{number}]" if whole else "llm.targets"
        if target.provider not in known.providers:
            _unknown_provider(target.provider, path, source, known)
        if not target.version:
            source.warn(
                f"target {str(target)!r} is not pinned to a version",
                path,
                "The provider may change the model behind this name: add @VERSION",
            )


def _check_llm(llm: Llm, source: Source, path: str) -> None:
    deadline = llm.deadline
    if not source.sound(*(f"{path}.deadline.{name}" for name in ("total", "first_token", "idle"))):
        return
    for name in ("first_token", "idle"):
        value = getattr(deadline, name)
        if value > deadline.total:
            total = show_duration(deadline.total)
            message = f"{show_duration(value)} is longer than the whole call may take ({total})"
            _conflict(source, f"{path}.deadline.{name}", message, "Lower it, or raise deadline.total")


def _check_validation(validation: Validation, source: Source, path: str) -> None:
    stated = f"{path}.repair" in source.lines
    if stated and validation.output is None and source.sound(f"{path}.output") and validation.repair.attempts:
        _conflict(
            source, f"{path}.repair", "repair without an output schema", "Name a schema in validation.output"
        )


def _unknown_provider(name: str, path: str, source: Source, known: Known) -> None:
    source.problem(
        f"unknown provider {name!r}{did_you_mean(name, known.providers)}",
        path,
        f"Known providers: {', '.join(known.providers)}. Others are declared in seawall.yaml under providers",
        kind=UnknownPlugin,
    )


def _conflict(source: Source, path: str, message: str, hint: str = "") -> None:
    source.problem(message, path, hint, kind=SpecConflict)
