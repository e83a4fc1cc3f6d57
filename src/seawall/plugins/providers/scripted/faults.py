"""How the scripted provider can misbehave: the list, and how faults are written."""

import math
from typing import Final, Literal

from msgspec import Struct

FaultStage = Literal["connection", "answer", "body", "stream", "usage", "tools", "content", "pace", "when"]
"""connection: before and around HTTP; answer: something else is answered; body: the bytes of the response;
stream: its server-sent events; usage, tools, content: what is said; pace: how fast; when: how often."""
FaultValue = int | float | str
Chosen = dict[str, FaultValue]
"""Faults by name with their values; a fault that takes no value has 1."""


class Fault(Struct, frozen=True):
    """One way to misbehave."""

    name: str
    stage: FaultStage
    text: str
    """What it does, in one line."""
    default: FaultValue | None = None
    """What its value is when none is written; `None` when it takes no value. Its type is the value's type."""


class FaultSyntaxError(ValueError):
    """A fault is unknown or its value cannot be read. The message lists what there is."""


_ROWS: Final = (
    Fault("refuse", "connection", "resets the connection as soon as it is accepted (fault plan only)"),
    Fault("hang", "connection", "takes the request and never answers"),
    Fault("close", "connection", "closes the connection without an answer"),
    Fault("reset", "connection", "resets the connection (RST) before the headers"),
    Fault("slow_first_byte", "connection", "waits so many seconds before the status line", 60.0),
    Fault("close_after", "connection", "closes the kept-alive connection so many seconds after", 0.0),
    Fault("status", "answer", "answers with this status and an error body", 503),
    Fault("retry_after", "answer", "adds Retry-After to errors (seconds, `date`, `date:N`, any text)", "2"),
    Fault("error_in_body", "answer", "answers 200 with an error object as its body"),
    Fault("html", "answer", "answers 200 with an HTML page"),
    Fault("redirect", "answer", "answers 307 to this address", "/elsewhere"),
    Fault("empty_body", "answer", "answers 200 with nothing in it"),
    Fault("hang_after_headers", "body", "sends the headers and then nothing more"),
    Fault("reset_after_headers", "body", "resets the connection after the headers"),
    Fault(
        "reset_mid_body",
        "body",
        "resets the connection in the middle of the body, of a stream after its first event",
    ),
    Fault(
        "close_mid_body",
        "body",
        "closes the connection in the middle of the body, of a stream after its first event",
    ),
    Fault("pieces", "body", "cuts what it writes into pieces of so many bytes", 1),
    Fault("length_short", "body", "announces a content-length that is too small"),
    Fault("length_long", "body", "announces a content-length that is too large, then closes"),
    Fault("length_duplicate", "body", "announces two content-lengths that differ"),
    Fault("length_and_chunked", "body", "announces a content-length and chunked transfer at once"),
    Fault("bad_chunk_size", "body", "writes a chunk size that is no number"),
    Fault("bad_status_line", "body", "writes a status line that is not HTTP"),
    Fault("gzip", "body", "sends the body as gzip, asked for or not"),
    Fault("gzip_lie", "body", "says the body is gzip, which it is not"),
    Fault("gzip_bomb", "body", "sends a gzip body that unpacks to so many MiB", 64),
    Fault("wrong_content_type", "body", "says the body is text/plain"),
    Fault("header_flood", "body", "sends so many headers", 100_000),
    Fault("huge_header", "body", "sends one header of so many bytes", 1_048_576),
    Fault("informational_flood", "body", "sends so many 103 responses first", 1000),
    Fault("extra_response", "body", "sends a second response nobody asked for"),
    Fault("foreign_request_id", "body", "answers under the request id of somebody else"),
    Fault("slow_first_token", "stream", "sends the headers, then waits so many seconds", 60.0),
    Fault("truncate", "stream", "ends half-way, orderly, without finish_reason and [DONE]"),
    Fault("no_done", "stream", "sends all but [DONE]"),
    Fault("no_finish", "stream", "never says a finish_reason"),
    Fault("stall", "stream", "falls silent for ever after so many events", 3),
    Fault("pause", "stream", "stops half-way for so many seconds, then goes on", 5.0),
    Fault("ping_forever", "stream", "half-way on sends nothing but a comment every so many seconds", 1.0),
    Fault("drop_after", "stream", "closes the connection after so many events", 3),
    Fault("reset_after", "stream", "resets the connection after so many events", 3),
    Fault("stream_error", "stream", "sends an error object half-way and ends"),
    Fault("malformed_json", "stream", "cuts the JSON of one event short"),
    Fault("invalid_utf8", "stream", "puts a byte that is not UTF-8 into one event"),
    Fault("comments", "stream", "mixes in comments, `retry:`, `id:` and empty data"),
    Fault("crlf", "stream", "ends lines with CRLF"),
    Fault("cr", "stream", "ends lines with CR alone"),
    Fault("bom", "stream", "starts with a byte order mark"),
    Fault("unknown_events", "stream", "mixes in events of a type nobody knows"),
    Fault("multi_line_data", "stream", "spreads the JSON of each event over several data lines"),
    Fault("huge_line", "stream", "sends one event of so many bytes", 16_777_216),
    Fault("endless_line", "stream", "sends so many bytes without a line end, then falls silent", 1_048_576),
    Fault("many_events", "stream", "adds so many tiny events", 1_000_000),
    Fault("after_done", "stream", "goes on with events after [DONE]"),
    Fault("usage_missing", "usage", "leaves usage out"),
    Fault("usage_negative", "usage", "says negative token counts"),
    Fault("usage_absurd", "usage", "says 10^12 tokens"),
    Fault("usage_double", "usage", "says twice the tokens there were"),
    Fault("tool_split", "tools", "streams tool arguments one character at a time"),
    Fault("tool_interleaved", "tools", "streams the arguments of parallel tool calls in turns"),
    Fault("tool_no_id", "tools", "leaves the ids of tool calls out"),
    Fault("tool_duplicate_id", "tools", "gives all tool calls the same id"),
    Fault("tool_no_index", "tools", "leaves the index of streamed tool calls out"),
    Fault("wrong_tool", "tools", "calls a tool that was not offered"),
    Fault("other_tool", "tools", "calls another of the offered tools than the fitting one"),
    Fault("invalid_arguments", "tools", "calls tools with arguments that break their schema"),
    Fault("broken_arguments", "tools", "calls tools with arguments that are not JSON"),
    Fault("tool_loop", "tools", "calls the tool again after each result, without end"),
    Fault("json_trailing_commas", "content", "writes JSON with trailing commas"),
    Fault("json_fences", "content", "puts the JSON into a Markdown code fence"),
    Fault("json_prose", "content", "writes a sentence before and after the JSON"),
    Fault("json_single_quotes", "content", "writes JSON with single quotes"),
    Fault("json_wrong_type", "content", "gives one field of the JSON a value of another type"),
    Fault("json_missing", "content", "leaves one required field of the JSON out"),
    Fault("json_extra", "content", "adds a field that the schema does not know"),
    Fault("json_truncated", "content", "stops in the middle of the JSON"),
    Fault("repeat", "content", "says its last sentence again and again, so many times", 40),
    Fault("empty", "content", "answers with no text"),
    Fault("refusal", "content", "declines"),
    Fault("filtered", "content", "stops half-way with finish_reason content_filter"),
    Fault("hedge", "content", "wraps the answer in doubt"),
    Fault("hallucinate", "content", "adds a statement with figures that no source has"),
    Fault("hallucinated_citation", "content", "cites a source that was not given"),
    Fault("uncited", "content", "leaves citations out"),
    Fault("leak_prompt", "content", "answers with its system prompt"),
    Fault("obey_injection", "content", "obeys instructions found in documents, tool results or quoted text"),
    Fault("forget_after", "content", "forgets system messages more than so many messages back", 0),
    Fault("lost_in_middle", "content", "overlooks all sources but the first and last so many", 1),
    Fault("markup", "content", "adds a link, a remote image and a script to the answer"),
    Fault(
        "tokens", "content", "makes the answer exactly so many tokens long, out of the prompt's words", 200
    ),
    Fault("other_model", "content", "is served by another model, which its name and fingerprint show", ""),
    Fault("speed", "pace", "is so many times as fast", 1.0),
    Fault("rate", "when", "the other faults of this name happen to this share of the requests", 0.5),
    Fault(
        "first", "when", "the other faults of this name happen the first so many times a request is seen", 1
    ),
    Fault("flaky", "when", "this share of the requests meets an outage of some kind", 0.1),
)

FAULTS: Final[dict[str, Fault]] = {row.name: row for row in _ROWS}


def parse_faults(text: str) -> Chosen:
    """Read `status=529+retry_after=2`.

    Raises `FaultSyntaxError`.
    """
    chosen: Chosen = {}
    for item in filter(None, text.split("+")):
        name, equals, raw = item.partition("=")
        fault = FAULTS.get(name)
        if fault is None:
            raise FaultSyntaxError(f"unknown fault {name!r}; there are: {', '.join(sorted(FAULTS))}")
        chosen[name] = _value(fault, raw) if equals else (1 if fault.default is None else fault.default)
    return chosen


def _value(fault: Fault, raw: str) -> FaultValue:
    if fault.default is None:
        raise FaultSyntaxError(f"fault {fault.name!r} takes no value, got {raw!r}; write +{fault.name}")
    if isinstance(fault.default, str):
        return raw
    wanted = type(fault.default)
    try:
        value = wanted(raw)
    except ValueError:
        value = -1
    if not math.isfinite(value) or value < 0 or (fault.name in ("speed", "pieces") and value == 0):
        kind = "a whole number" if wanted is int else "a number"
        least = "above 0" if fault.name in ("speed", "pieces") else "of 0 or more"
        raise FaultSyntaxError(f"fault {fault.name!r} wants {kind} {least}, got {raw!r}")
    if fault.name == "status" and not 100 <= value <= 999:
        raise FaultSyntaxError(f"fault 'status' wants an HTTP status from 100 to 999, got {raw!r}")
    return value


def seconds(chosen: Chosen, name: str) -> float:
    """The value of a fault that counts seconds; 0 when it is not chosen."""
    return float(chosen.get(name, 0.0))


def count(chosen: Chosen, name: str) -> int:
    """The value of a fault that counts something; 0 when it is not chosen."""
    return int(chosen.get(name, 0))


def fault_table() -> str:
    """The faults as a Markdown table, as the reference page has it."""
    lines = ["| fault | kind | what it does | value when none is written |", "| --- | --- | --- | --- |"]
    for fault in FAULTS.values():
        default = "" if fault.default is None else f"`{fault.default}`" if fault.default != "" else "any name"
        lines.append(f"| `{fault.name}` | {fault.stage} | {fault.text} | {default} |")
    return "\n".join(lines)
