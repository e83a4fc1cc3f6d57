"""The LLM layer: asks the targets in order until one answers, within the call's own time.

What is retried, what falls back and what is given up follows from the error alone (`retryable`,
`elsewhere` in `ProviderError.KINDS`). After the first content has left, nothing is tried again.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from seawall.core.call import Call
from seawall.core.errors import DeadlineExceeded, ProviderError
from seawall.core.events import Event
from seawall.core.handler import Emit
from seawall.core.ports import Clock
from seawall.layers.llm.attempt import Target, Trace, expired, pull, settle
from seawall.layers.llm.backoff import Backoff, RetryBudget
from seawall.layers.llm.limit import AttemptLimit, Expired

IMPATIENCE = 1.0
"""Seconds of `Retry-After` that are waited out although another target could be asked at once."""
WHOLE_SHARE = 0.6
"""Of the time left, what a whole answer may take while there is still another target to fall back on."""


class Patience(Struct, frozen=True):
    """How long an attempt may take, in seconds, and how often it may be repeated."""

    first_token: float
    idle: float
    retries: int = 2
    """Of one call, over all its targets."""


class LLM:
    """The innermost handler of a feature."""

    def __init__(
        self,
        targets: Sequence[Target],
        patience: Patience,
        *,
        budget: RetryBudget,
        clock: Clock,
        chance: Callable[[], float],
        backoff: Backoff | None = None,
    ) -> None:
        self._targets = tuple(targets)
        self._patience = patience
        self._budget = budget
        self._clock = clock
        self._chance = chance
        self._backoff = backoff or Backoff()

    async def __call__(self, call: Call, emit: Emit) -> None:
        self._budget.deposit()
        failures: list[ProviderError] = []
        for position, target in enumerate(self._targets):
            is_last = position == len(self._targets) - 1
            why = "first choice" if position == 0 else f"fallback after {failures[-1].code}"
            while True:
                failure = await self._attempt(call, target, emit, why, is_last=is_last)
                if failure is None:
                    return
                failures.append(failure)
                wait = self._retry_after(call, failure, len(failures) - 1 - position, is_last=is_last)
                if wait is None:
                    break
                why = f"retry after {failure.code}"
                call.record.decide(
                    "llm", "retry", target=target.name, after=failure.code, wait_ms=int(wait * 1000)
                )
                call.record.waited += wait
                await self._clock.sleep(wait)
            if not failures[-1].elsewhere:
                break
            if not is_last:
                call.record.decide("llm", "fallback", target=target.name, after=failures[-1].code)
        raise _given_up(failures)

    async def _attempt(
        self, call: Call, target: Target, emit: Emit, why: str, *, is_last: bool
    ) -> ProviderError | None:
        """One try. `None` is success; an error is returned only while another try is still honest."""
        now = self._clock.monotonic()
        left = call.deadline - now
        if left <= 0:
            raise DeadlineExceeded("the time allowed to the call ran out before a model could be asked")
        first = self._patience.first_token
        if not call.request.stream:  # its first token comes with its last
            first = left if is_last else max(first, left * WHOLE_SHARE)
        call.record.target = target.name
        trace = Trace(now)
        held: list[Event] = []
        passed_on = _keeping(held) if call.held else emit
        limit = AttemptLimit(self._clock, now, first=first, idle=self._patience.idle, total=call.deadline)
        error: BaseException | None = None
        try:
            async with limit:
                await pull(call, target, passed_on, trace, limit, self._clock.monotonic)
                for event in held:
                    await emit(event)
        except Expired as over:
            error = expired(over.phase, target, first, self._patience.idle)
        except BaseException as caught:
            error = caught
            if (trace.emitted and not call.held) or not isinstance(caught, ProviderError):
                raise
        finally:
            settle(call, target, trace, limit, error, self._clock.monotonic(), why)
        if error is None:
            return None
        if isinstance(error, ProviderError) and (call.held or not trace.emitted):
            return error
        raise error

    def _retry_after(self, call: Call, error: ProviderError, retries: int, *, is_last: bool) -> float | None:
        """Seconds to wait before asking the same target again; `None`: do not."""
        if not error.retryable or retries >= self._patience.retries:
            return None
        wait = self._backoff.delay(retries, self._chance())
        if error.retry_after is not None:
            if error.retry_after > IMPATIENCE and not is_last:
                return None
            wait = max(wait, error.retry_after)
        if self._clock.monotonic() + wait >= call.deadline:
            return None
        if not self._budget.withdraw():
            call.record.decide("llm", "retry_budget_empty")
            return None
        return wait


def _keeping(held: list[Event]) -> Emit:
    """An emit that only keeps: nothing may leave of an attempt that may still fail."""

    async def keep(event: Event) -> None:
        held.append(event)

    return keep


def _given_up(failures: Sequence[ProviderError]) -> ProviderError:
    """The one error for the caller: the last one's kind, the story of all."""
    last = failures[-1]
    if len(failures) == 1:
        return last
    story = "; ".join(str(failure) for failure in failures)
    return ProviderError(
        last.code,
        f"{len(failures)} attempts failed: {story}",
        hint=last.hint,
        upstream_status=last.upstream_status,
        retry_after=last.retry_after,
        request_id=last.request_id,
    )
