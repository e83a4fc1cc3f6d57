"""What the shop does all day: the demo's calls, one after the other and many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec
from jsonschema_rs import validator_for
from msgspec import Struct

from seawall.lifecycle.demo.caller import Caller
from seawall.lifecycle.demo.project import DIGESTS, MOST_QUESTION, MOST_TOKENS, ORDER_SCHEMA
from seawall.lifecycle.demo.shop import TOOLS, Shop

Kind = Literal["support", "mail", "form", "triage", "hours", "too_long", "too_much"]

USERS = 8
REFUSED_DIGESTS = 2
LEAST_CALLS = 18
CYCLE: tuple[Kind, ...] = ("support", "mail", "triage", "mail", "support", "form", "mail", "triage", "hours")
"""The usual mix; the day's two exceptions and the night job come on top."""
HOURS = (
    "Our shop opens at 9 and closes at 18 on weekdays. On Saturdays the shop closes at 14. "
    "When does the shop close on Saturdays? This is visitor {}."
)
DAY = (
    "12 parcels left today. 3 customers asked for their money back. One lamp arrived broken. "
    "The courier was late. This is draft {}."
)


class Errand(Struct, frozen=True):
    """One thing that somebody wants; takes one call, or two with tools."""

    kind: Kind
    number: int

    @property
    def calls(self) -> int:
        """How many calls it takes when nothing goes wrong."""
        return 2 if self.kind == "support" else 1

    @property
    def streamed(self) -> bool:
        """Half of each kind are, since the cycle is odd."""
        return self.number % 2 == 0


def plan(calls: int) -> list[Errand]:
    """Errands that take, with the night job, exactly so many *calls* when nothing goes wrong."""
    left = calls - DIGESTS - REFUSED_DIGESTS - 2
    errands: list[Errand] = []
    while left:
        kind = CYCLE[len(errands) % len(CYCLE)]
        errand = Errand("triage" if kind == "support" and left < 2 else kind, len(errands))
        errands.append(errand)
        left -= errand.calls
    errands.insert(len(errands) // 3, Errand("too_long", 0))
    errands.insert(2 * len(errands) // 3, Errand("too_much", 0))
    return errands


async def play(
    errands: Sequence[Errand], caller: Caller, *, seconds: float, reach: Callable[[float], None]
) -> None:
    """Run *errands*, spread over *seconds*, by several users at a time; then the night job.

    `reach` is told the share of the errands that has been begun.
    """
    day = Day(caller)
    loop = asyncio.get_running_loop()
    began = loop.time()
    left = iter(enumerate(errands))

    async def user(left: Iterator[tuple[int, Errand]]) -> None:
        for index, errand in left:
            share = index / len(errands)
            await asyncio.sleep(began + seconds * share - loop.time())
            reach(share)
            await day.run(errand)

    async with asyncio.TaskGroup() as users:
        for _ in range(USERS):
            users.create_task(user(left))
    reach(1.0)
    await day.night_job()


class Day:
    """How each kind of errand is done, as an application would do it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._shop = Shop()
        self._mail_form = validator_for(ORDER_SCHEMA)
        self._ways: dict[Kind, Callable[[Errand], Awaitable[None]]] = {
            "support": self._support,
            "mail": self._mail,
            "form": self._form,
            "triage": self._triage,
            "hours": self._hours,
            "too_long": self._too_long,
            "too_much": self._too_much,
        }

    async def run(self, errand: Errand) -> None:
        """Do *errand*."""
        await self._ways[errand.kind](errand)

    async def night_job(self) -> None:
        """A script that asks as fast as it can, and more often than it may."""
        refused = [
            await self._caller.is_refused(model="day-digest", messages=_said(DAY.format(number)))
            for number in range(DIGESTS + REFUSED_DIGESTS)
        ]
        if sum(refused) != REFUSED_DIGESTS:
            self._caller.seen.unanswered.append(f"{sum(refused)} of the night job's calls were refused")

    async def _support(self, errand: Errand) -> None:
        """The model calls tools, the application runs them, the model answers."""
        messages = _said(self._shop.question(errand.number))
        asked: dict[str, Any] = {"model": "support", "messages": messages, "tools": list(TOOLS)}
        answer = await self._caller.ask(streamed=errand.streamed, **asked)
        message = answer.choices[0].message if answer is not None else None
        if message is None or not message.tool_calls:
            return
        messages.append(message.model_dump(include={"role", "content"}))
        messages[-1]["tool_calls"] = [
            call.model_dump(include={"id": True, "type": True, "function": {"name", "arguments"}})
            for call in message.tool_calls
        ]
        for call in message.tool_calls:
            if call.type == "function":
                result = self._shop.run(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        await self._caller.ask(streamed=errand.streamed, **asked)

    async def _mail(self, errand: Errand) -> None:
        """The feature's own schema; the application checks it once more."""
        messages = _said(self._shop.mail(errand.number))
        answer = await self._caller.ask(streamed=errand.streamed, model="read-mail", messages=messages)
        if answer is not None:
            self._judge(answer.choices[0].message.content or "")

    async def _form(self, errand: Errand) -> None:
        """The caller's own schema, as a pydantic model: the SDK's `parse`."""
        import pydantic

        class Wish(pydantic.BaseModel):
            order_id: str
            customer: str

        try:
            await self._caller.ask(
                streamed=False,
                model="primary/scripted-fast@2026-02-01",
                messages=_said(self._shop.mail(errand.number)),
                response_format=Wish,
            )
        except pydantic.ValidationError:
            self._caller.seen.invalid += 1
        self._caller.seen.forms += 1

    async def _triage(self, errand: Errand) -> None:
        messages = _said(f"{self._shop.message(errand.number)} (number {errand.number})")
        await self._caller.ask(streamed=errand.streamed, model="triage", messages=messages)

    async def _hours(self, errand: Errand) -> None:
        """Any model by its own name, without a feature."""
        messages = _said(HOURS.format(errand.number))
        await self._caller.ask(streamed=errand.streamed, model="primary/scripted-small", messages=messages)

    async def _too_long(self, errand: Errand) -> None:
        text = self._shop.question(errand.number) * (MOST_QUESTION // 20)
        await self._must_be_refused(model="support", messages=_said(text))

    async def _too_much(self, errand: Errand) -> None:
        messages = _said(self._shop.question(errand.number))
        await self._must_be_refused(model="support", messages=messages, max_tokens=10 * MOST_TOKENS)

    async def _must_be_refused(self, **request: Any) -> None:
        if not await self._caller.is_refused(**request):
            self._caller.seen.unanswered.append(f"{request['model']}: what should be refused was not")

    def _judge(self, text: str) -> None:
        seen = self._caller.seen
        seen.forms += 1
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            seen.invalid += 1
            return
        seen.invalid += not self._mail_form.is_valid(value)


def _said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]
