"""Project → graph. The only place where the order of the layers is written."""

import random
from collections.abc import Callable
from fnmatch import fnmatchcase

from msgspec import Struct

from seawall.core.handler import Handler, Layer, compose
from seawall.core.ports import Clock, Recorder, Redactor
from seawall.core.request import ResponseFormat
from seawall.layers.context.layer import Context
from seawall.layers.context.prompt import Section, Slot, Template
from seawall.layers.input.layer import Caps, Input
from seawall.layers.input.limits import Concurrency, LimitState, Rate
from seawall.layers.llm.attempt import Target
from seawall.layers.llm.backoff import RetryBudget
from seawall.layers.llm.layer import LLM, Patience
from seawall.layers.llm.pricing import PriceTable
from seawall.layers.monitoring.closing import Closing
from seawall.layers.monitoring.layer import Monitoring
from seawall.layers.monitoring.redact import KeepAll, NoContent, PatternRedactor
from seawall.layers.validation.layer import Validation
from seawall.layers.validation.schema import OutputSchema
from seawall.runtime.feature import Feature
from seawall.runtime.graph import Graph
from seawall.runtime.providers import Providers
from seawall.spec import model as spec
from seawall.spec import plan
from seawall.spec.places import Target as TargetName

FIXED = ("temperature", "top_p", "seed")
"""Settings which, where the spec has them, are the spec's to decide."""
REDACTORS: dict[str, Callable[[], Redactor]] = {
    "full": KeepAll,
    "redacted": PatternRedactor,
    "none": NoContent,
}


class Ground(Struct, frozen=True):
    """What graphs stand on: it is the same for every state of the files."""

    recorder: Recorder
    limits: LimitState
    clock: Clock
    closing: Closing
    prices: PriceTable | None


def assemble(project: plan.Project, ground: Ground) -> Graph:
    """Everything the project's files say, ready to serve. Raises `SpecError` for what cannot be."""
    providers = Providers(project.providers)
    reachable = providers.usable if project.allow_models else []
    sole = reachable[0] if len(reachable) == 1 and not project.features else ""
    graph: Graph

    def passthrough(model: str) -> Feature | None:
        """The default feature for `provider/model` (or `provider:model`), if that may be called.

        Where one provider is all there is, and no features, a model's name alone means that provider's.
        """
        name = _model_name(model) or (TargetName(sole, model) if sole and model else None)
        if name is None or not providers.known(name.provider):
            return None
        if not any(fnmatchcase(str(name), pattern) for pattern in project.allow_models):
            return None
        return _feature(project.default, (name,), providers, ground, graph.outermost, passthrough=True)

    graph = Graph(providers.clients, project.digest, reachable, ground.closing.kept, passthrough)
    graph.features = {
        name: _feature(each, each.targets, providers, ground, graph.outermost)
        for name, each in project.features.items()
    }
    return graph


def _feature(
    said: plan.Feature,
    names: tuple[TargetName, ...],
    providers: Providers,
    ground: Ground,
    outermost: Callable[[Handler], Handler],
    *,
    passthrough: bool = False,
) -> Feature:
    targets = [_target(name, providers, ground) for name in names]
    layers: list[Layer] = [
        Monitoring(ground.recorder, REDACTORS[said.monitoring.keep.content](), ground.clock, ground.closing),
        _input(said.input, ground),
        _context(said, ground),
        _validation(said, ground),
    ]
    return Feature(
        name=said.name,
        digest=said.digest,
        request_type=said.request_type,
        total=said.llm.deadline.total,
        targets=tuple(target.name for target in targets),
        handler=outermost(compose(layers, _llm(said.llm, targets, ground))),
        owner=said.intent.owner if said.intent else "",
        passthrough=passthrough,
    )


def _input(said: spec.Input, ground: Ground) -> Input:
    return Input(
        caps=Caps(size=said.size, messages=said.messages, parts=said.parts),
        rates=[Rate(each.count, each.per, each.scope) for each in said.rate],
        concurrency=[Concurrency(each.count, each.scope) for each in said.concurrency],
        clean=said.normalise.on,
        limits=ground.limits,
        clock=ground.clock,
    )


def _context(said: plan.Feature, ground: Ground) -> Context:
    fixed = {name: getattr(said.llm, name) for name in FIXED}
    return Context(
        template=_template(said.prompt) if said.prompt else None,
        date=said.prompt.date if said.prompt else False,
        fixed={name: value for name, value in fixed.items() if value is not None},
        most_tokens=said.llm.max_tokens,
        clock=ground.clock,
    )


def _template(said: plan.PromptPlan) -> Template:
    sections = tuple(
        Section(
            part.role,
            tuple(
                piece if isinstance(piece, str) else Slot(piece.name, said.variables.get(piece.name, "date"))
                for piece in part.pieces
            ),
        )
        for part in said.template.parts
    )
    return Template(sections, said.file, said.digest)


def _validation(said: plan.Feature, ground: Ground) -> Validation:
    if said.output is None:
        return Validation(output=None, form=None, reasks=said.validation.repair.attempts, clock=ground.clock)
    schema = said.output.document
    return Validation(
        output=OutputSchema(schema),
        form=ResponseFormat("json_schema", name="output", schema=schema, strict=None),
        reasks=said.validation.repair.attempts,
        clock=ground.clock,
    )


def _llm(said: spec.Llm, targets: list[Target], ground: Ground) -> LLM:
    return LLM(
        targets,
        Patience(said.deadline.first_token, said.deadline.idle, said.retry.attempts),
        budget=RetryBudget(said.retry.budget),
        clock=ground.clock,
        chance=random.random,
    )


def _target(name: TargetName, providers: Providers, ground: Ground) -> Target:
    model = providers.model_id(name)
    price = None
    if ground.prices is not None:
        price = ground.prices.find(providers.vendor(name.provider), model, ground.clock.wall())
    return Target(str(name), providers.get(name.provider), model, price)


def _model_name(model: str) -> TargetName | None:
    """`provider/model@version` or `provider:model` as a client may write it; `None` if it is neither."""
    provider, slash, rest = model.partition("/")
    if not slash or ":" in provider:
        provider, colon, rest = model.partition(":")
        if not colon:
            return None
    name, _, version = rest.partition("@")
    return TargetName(provider, name, version) if provider and name else None
