"""All five layers over a fake provider, composed as the runtime composes them."""

from collections.abc import Sequence
from typing import Any

from seawall.core.handler import Handler, compose
from seawall.core.ports import Provider
from seawall.core.record import Content, Record
from seawall.core.request import ResponseFormat
from seawall.layers.context.layer import Context
from seawall.layers.input.layer import Caps, Input
from seawall.layers.input.limits import Concurrency, LimitState, Rate
from seawall.layers.llm.attempt import Target
from seawall.layers.llm.backoff import RetryBudget
from seawall.layers.llm.layer import LLM, Patience
from seawall.layers.monitoring.closing import Closing
from seawall.layers.monitoring.layer import Monitoring
from seawall.layers.validation.layer import Validation
from seawall.layers.validation.schema import OutputSchema
from seawall.testing import FakeClock

from tests.support.fakes import ListRecorder

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


class KeepAll:
    """Redacts nothing."""

    def redact(self, content: Content) -> Content:
        return content

    def redact_text(self, text: str) -> str:
        return text


class House:
    """The composed handler and everything a test wants to look at afterwards."""

    def __init__(
        self,
        *providers: Provider,
        schema: dict[str, Any] | None = None,
        reasks: int = 1,
        rates: Sequence[Rate] = (),
        concurrency: Sequence[Concurrency] = (Concurrency(100),),
    ) -> None:
        self.clock = FakeClock()
        self.recorder = ListRecorder()
        self.limits = LimitState()
        self.observed: list[Record] = []
        form = ResponseFormat("json_schema", name="output", schema=schema) if schema else None
        layers = [
            Monitoring(self.recorder, KeepAll(), self.clock, Closing(self.recorder, self.observed.append)),
            Input(
                caps=Caps(),
                rates=rates,
                concurrency=concurrency,
                clean=True,
                limits=self.limits,
                clock=self.clock,
            ),
            Context(template=None, date=False, fixed={}, most_tokens=None, clock=self.clock),
            Validation(
                output=OutputSchema(schema) if schema else None, form=form, reasks=reasks, clock=self.clock
            ),
        ]
        targets = [Target(f"p{n}/m", provider, "m", None) for n, provider in enumerate(providers)]
        llm = LLM(
            targets,
            Patience(first_token=2.0, idle=1.0),
            budget=RetryBudget(),
            clock=self.clock,
            chance=lambda: 0.0,
        )
        self.handler: Handler = compose(layers, llm)
