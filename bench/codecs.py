"""What the steps of a call cost by themselves: `python bench/codecs.py [WORD …]` (only steps with a WORD).

Microseconds of CPU time for each call, the median of several rounds, on documents of 1 KB and 8 KB; beside
it the ratio to `json.loads` of the request of the same size in the same run, which carries over to other
machines. CPU time leaves out what others use of the machine, but not what they do to its caches.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
from figures import show, table

from seawall.core.accumulate import Accumulator, Answer, replay
from seawall.core.events import Event
from seawall.core.ports import ProviderRequest
from seawall.core.record import Attempt, CallRecord, Content, Record
from seawall.core.request import ChatRequest
from seawall.layers.input.normalise import normalise
from seawall.layers.monitoring.redact import PatternRedactor
from seawall.layers.validation.repair import repair
from seawall.layers.validation.schema import OutputSchema
from seawall.plugins.stores.tables import call_row, content_document
from seawall.plugins.stores.words import words_said
from seawall.wire.openai_chat import (
    Capabilities,
    StreamDecoder,
    StreamEncoder,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)

SIZES = (1000, 8000)
ROUNDS = 7
ROUND_SECONDS = 0.02
PIECES = 50  # of a streamed answer
REFERENCE = "json.loads of the request"

ENGLISH = (
    "please summarise the quarterly report for our team in Lisbon and list what is open, who owns it and "
    "when it is due; keep it short."
)
GERMAN = "bitte fasse den Bericht für Zürich zusammen: möglichst kurz, größere Lücken zuerst nennen"
SCHEMA = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["title", "amount", "open"],
                "properties": {
                    "title": {"type": "string"},
                    "amount": {"type": "number"},
                    "open": {"type": "boolean"},
                },
            },
        }
    },
}

Step = Callable[[], object]


class Documents(NamedTuple):
    """One call in all its forms, of about *size* bytes each way."""

    size: int
    english: str
    german: str
    request_body: bytes
    request: ChatRequest
    answer_body: bytes
    answer: Answer
    frames: list[bytes]
    events: list[Event]
    record: Record
    content: Content
    output: str


def prose(sample: str, size: int, seed: int) -> str:
    """The words of *sample* in a random order, the same one for the same *seed*."""
    words, drawn = sample.split(), random.Random(seed)
    text = ""
    while len(text) < size:
        text += drawn.choice(words) + " "
    return text[:size]


def documents(size: int) -> Documents:
    """Documents of about *size* bytes."""
    english, german = prose(ENGLISH, size, seed=1), prose(GERMAN, size, seed=2)
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": english},
    ]
    asked = {"model": "bench", "messages": messages, "temperature": 0.7, "max_tokens": 256, "user": "u-1234"}
    request_body = json.dumps(asked).encode()
    said = {"role": "assistant", "content": prose(ENGLISH, size, seed=3), "refusal": None}
    answer_body = json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "bench-1",
            "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 210, "completion_tokens": 130, "total_tokens": 340},
        }
    ).encode()
    request, answer = decode_request(request_body), decode_answer(answer_body)
    frames = list(stream_of(prose(ENGLISH, size, seed=3)))
    decoder = StreamDecoder()
    events = [event for frame in frames for event in decoder.feed(frame)]
    record, content = recorded(request, answer)
    items = [
        {"title": title, "amount": 12.5, "open": True} for title in prose(ENGLISH, size // 2, seed=4).split()
    ]
    output = json.dumps({"items": items[: max(1, size // 50)]})
    return Documents(
        size,
        english,
        german,
        request_body,
        request,
        answer_body,
        answer,
        frames,
        events,
        record,
        content,
        output,
    )


def stream_of(text: str) -> Iterator[bytes]:
    """*text* as a provider streams it, in `PIECES` pieces."""

    def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000}
        return b"data: %b\n\n" % json.dumps(head | {"model": "bench-1", "choices": [choice]}).encode()

    step = len(text) // PIECES
    yield frame({"role": "assistant", "content": ""})
    for number in range(PIECES):
        yield frame({"content": text[number * step : (number + 1) * step]})
    yield frame({}, "stop") + b"data: [DONE]\n\n"


def recorded(request: ChatRequest, answer: Answer) -> tuple[Record, Content]:
    """The record that such a call leaves."""
    open_record = CallRecord(
        id="01J00000000000000000000000",
        at=1_700_000_000.0,
        started=0.0,
        feature="bench",
        digest="0" * 64,
        request_type="reasoning",
        tenant="default",
        key_id="k-1234",
        dialect="openai.chat",
        correlation_id="",
        asked=request,
    )
    for event in replay(answer):
        open_record.sent.add(event)
    open_record.attempts.append(Attempt("bench/bench-1", "ok", 40, 21_000, usage=answer.usage, events=4))
    open_record.usage = answer.usage
    return open_record.close("ok", 0.021)


def steps(of: Documents) -> dict[str, tuple[Step, int]]:
    """What is timed, by name, and by how many the time is divided."""
    asked = ProviderRequest(of.request, "bench-1", "01J0", "", 30.0)
    dialect, redact, schema = Capabilities(), PatternRedactor().redact, OutputSchema(SCHEMA)
    pack = msgspec.msgpack.Encoder().encode

    def decode_stream() -> None:
        feed = StreamDecoder().feed
        for frame in of.frames:
            feed(frame)

    def encode_stream() -> None:
        encode = StreamEncoder(include_usage=False).encode
        for event in of.events:
            encode(event)

    def accumulate() -> Answer:
        accumulator = Accumulator()
        for event in of.events:
            accumulator.add(event)
        return accumulator.answer

    return {
        REFERENCE: (lambda: json.loads(of.request_body), 1),
        "decode_request": (lambda: decode_request(of.request_body), 1),
        "normalise, English": (lambda: normalise(of.english), 1),
        "normalise, German": (lambda: normalise(of.german), 1),
        "encode_request": (lambda: encode_request(asked, dialect), 1),
        "decode_answer": (lambda: decode_answer(of.answer_body), 1),
        "encode_answer": (lambda: encode_answer(of.answer, model="bench"), 1),
        "StreamDecoder, each piece": (decode_stream, PIECES),
        "Accumulator, each piece": (accumulate, PIECES),
        "StreamEncoder, each piece": (encode_stream, PIECES),
        "repair of a valid answer": (lambda: repair(of.output, schema), 1),
        "redact of a clean call": (lambda: redact(of.content), 1),
        "record for the spool": (lambda: pack((of.record, of.content)), 1),
        "record for the store": (lambda: (call_row(of.record), content_document(of.content)), 1),
        "words for the search index": (lambda: words_said(of.content), 1),
    }


def microseconds(step: Step, divided_by: int) -> float:
    """CPU time of one call of *step*, the median of the rounds."""
    step()
    times, took = 1, 0.0
    while took < ROUND_SECONDS:
        times *= 2
        took = _timed(step, times)
    rounds = [_timed(step, times) for _ in range(ROUNDS)]
    return statistics.median(rounds) * 1e6 / times / divided_by


def _timed(step: Step, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        step()
    return time.process_time() - began


def main(words: list[str]) -> None:
    measured: dict[str, list[float]] = {}
    for size in SIZES:
        for name, (step, divided_by) in steps(documents(size)).items():
            if name == REFERENCE or not words or any(word in name for word in words):
                measured.setdefault(name, []).append(microseconds(step, divided_by))
    reference = measured[REFERENCE]
    rows = [
        [name] + [f"{show(us, 2)} ({us / base:.2f}x)" for us, base in zip(of_sizes, reference, strict=True)]
        for name, of_sizes in measured.items()
    ]
    print(table(["step", *(f"{size // 1000} KB, us (to json.loads)" for size in SIZES)], rows))


if __name__ == "__main__":
    main(sys.argv[1:])
