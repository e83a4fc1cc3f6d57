"""What goes wrong at the primary provider while the demo runs, act by act."""

from msgspec import Struct

from seawall.plugins.providers.scripted import FaultPlan

_MAILS = "scripted-fast-2026-02-01"
"""The model of the feature whose answers must be JSON: faults of form are aimed at it."""


class Fault(Struct, frozen=True):
    """Faults of the primary, as the scripted provider writes them, and which requests meet them."""

    faults: str
    rate: float = 1.0
    first: int | None = None
    model: str = "*"
    stop: float | None = None
    """Seconds after which it is over, whatever the workload does; `None`: at the next act."""


class Act(Struct, frozen=True):
    """From a share of the workload on, the primary misbehaves in a certain way."""

    since: float
    told: str
    plan: tuple[Fault, ...]


ACTS = (
    Act(0.0, "all is well", ()),
    Act(0.10, "the primary answers 429 with Retry-After", (Fault("status=429+retry_after=2", rate=0.5),)),
    Act(0.22, "the primary answers 503 now and then", (Fault("status=503", rate=0.5),)),
    Act(
        0.34,
        "the primary breaks the JSON it was asked for",
        (
            Fault("json_missing", first=1, model=_MAILS),
            Fault("json_fences+json_trailing_commas", rate=0.8, model=_MAILS),
        ),
    ),
    Act(0.60, "the primary takes requests and says nothing", (Fault("hang", first=2),)),
    Act(
        0.68,
        "the primary cuts streams",
        (Fault("drop_after=4", rate=0.4), Fault("reset_mid_body", first=2)),
    ),
    Act(0.82, "the primary is down", (Fault("reset", stop=4.0),)),
    Act(0.93, "the primary is back", ()),
)


class Play:
    """Puts the acts on, one after the other, as the workload goes on."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._left = list(ACTS)

    def reach(self, share: float) -> str:
        """The workload has come so far (0 to 1): what is told of the act that begins now, or nothing."""
        told = ""
        while self._left and share >= self._left[0].since:
            act = self._left.pop(0)
            self._plan.clear()
            for fault in act.plan:
                self._plan.add(
                    fault.faults, rate=fault.rate, first=fault.first, model=fault.model, stop=fault.stop
                )
            told = act.told
        return told
