"""Finished calls, as tests need them."""

from typing import Any

from msgspec.structs import replace

from seawall.core.accumulate import Answer, Choice
from seawall.core.events import Usage
from seawall.core.messages import Message, Text
from seawall.core.record import Attempt, Content, Record, Verdict
from seawall.core.request import ChatRequest

START = 1_790_000_000.0

_RECORD = Record(
    id="call-0",
    at=START,
    feature="support",
    digest="d1",
    outcome="ok",
    dialect="openai_chat",
    streamed=True,
    asked_model="support",
    total_us=120_000,
    request_type="realtime",
    tenant="acme",
    key_id="k-1",
    target="main",
    served_model="gpt-1",
    finish=("stop",),
    usage=Usage(12, 34),
    cost_nano=5_600,
    first_event_us=9_000,
    overhead_us=300,
    stages={"input": 20},
    attempts=(Attempt("main", "ok", 10, 90_000, served_model="gpt-1", usage=Usage(12, 34)),),
    verdicts=(Verdict("length", "allow"),),
)


def record(number: int = 0, **changes: Any) -> Record:
    """The record of call *number*, a second after the one before."""
    return replace(_RECORD, **{"id": f"call-{number}", "at": START + number, **changes})


def content(asked: str = "where is my parcel", answered: str = "it is on its way") -> Content:
    """What was said in a call of two turns."""
    return Content(
        asked=ChatRequest("support", (Message("user", (Text(asked),)),)),
        answer=Answer("a-1", "gpt-1", 1, (Choice(Message("assistant", (Text(answered),)), "stop"),)),
    )
