"""The OpenAI face: translate, call, and send what comes. Errors are told by `seawall.gateway.app`."""

from urllib.parse import quote

import msgspec

from seawall.core.accumulate import Answer
from seawall.core.call import Call, Principal
from seawall.core.errors import UnknownFeature
from seawall.core.events import Event
from seawall.core.handler import Handler
from seawall.core.ports import Clock, ModelInfo
from seawall.gateway.backend import Backend
from seawall.gateway.exchange import Exchange
from seawall.gateway.failure import UnsupportedMedia
from seawall.gateway.heads import EVENT_STREAM, HeaderForm, HeaderLines, header_lines
from seawall.wire.openai_chat import DONE, StreamEncoder, decode_request, encode_answer

PING = b": ping\n\n"
_CALL = HeaderForm("x-seawall-call-id", "x-seawall-digest", "x-seawall-feature")
_ACCOUNT = HeaderForm("x-seawall-served-model", "x-seawall-attempts", "x-seawall-overhead-ms")
_PRICED_ACCOUNT = HeaderForm(
    "x-seawall-served-model", "x-seawall-attempts", "x-seawall-overhead-ms", "x-seawall-cost-usd"
)
_NOT_BUFFERED = header_lines(("cache-control", "no-cache"), ("x-accel-buffering", "no"))


class OpenAIFace:
    """`/v1/chat/completions` and `/v1/models`."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock

    async def chat(self, exchange: Exchange, principal: Principal) -> None:
        """Answer one chat completion, whole or streamed as it asks."""
        require_json(exchange)
        request = decode_request(exchange.body)
        call, handler = self._backend.admit(
            request, principal, dialect="openai.chat", correlation_id=exchange.request_id
        )
        if not exchange.request_id:
            exchange.identify(call.id)
        exchange.labels = _CALL.fill(call.id, call.record.digest, call.feature)
        if request.stream:
            await self._stream(exchange, call, handler)
        else:
            await self._whole(exchange, call, handler)

    async def _stream(self, exchange: Exchange, call: Call, handler: Handler) -> None:
        encode = StreamEncoder(include_usage=call.request.include_usage).encode

        async def emit(event: Event) -> None:
            frames = encode(event)
            if not exchange.started:
                exchange.start(200, EVENT_STREAM, _NOT_BUFFERED, heartbeat=PING)
            exchange.send(frames)
            if (drained := exchange.drained) is not None:
                await drained

        await handler(call, emit)
        if call.record.sent.end is None:
            raise RuntimeError(f"the handler of {call.feature!r} returned without the end of its answer")
        exchange.end(DONE)

    async def _whole(self, exchange: Exchange, call: Call, handler: Handler) -> None:
        await handler(call, _keep_nothing)
        answer = call.record.sent.answer
        if not answer.complete:
            raise RuntimeError(f"the handler of {call.feature!r} returned without a complete answer")
        exchange.respond(200, encode_answer(answer, model=answer.model), headers=self._account(call, answer))

    def _account(self, call: Call, answer: Answer) -> HeaderLines:
        """What the answer took, as headers."""
        record = call.record
        attempts = str(len(record.attempts))
        overhead = f"{(self._clock.monotonic() - record.started - record.waited) * 1000:.3f}"
        cost = record.cost_nano
        if cost is None:
            return _ACCOUNT.fill(answer.model, attempts, overhead)
        dollars = f"{cost // 10**9}.{cost % 10**9:09d}"
        return _PRICED_ACCOUNT.fill(answer.model, attempts, overhead, dollars)

    async def models(self, exchange: Exchange, principal: Principal) -> None:
        """List what the key may call."""
        listed = [_described(model) for model in self._backend.models(principal)]
        exchange.respond(200, msgspec.json.encode({"object": "list", "data": listed}))

    async def model(self, exchange: Exchange, principal: Principal) -> None:
        """Describe one model; its id is the rest of the path, as it is or percent-encoded."""
        asked = exchange.path.partition(b"/models/")[2]
        for model in self._backend.models(principal):
            # The path is never decoded: the id is encoded instead, so there are two spellings and no more.
            if asked in (model.id.encode("utf-8"), quote(model.id, safe="").encode("ascii")):
                exchange.respond(200, msgspec.json.encode(_described(model)))
                return
        raise UnknownFeature("no model of this name is open to this key; GET /v1/models lists those that are")


def require_json(exchange: Exchange) -> None:
    """Raise `UnsupportedMedia` unless the body is said to be JSON, or nothing is said about it."""
    said = exchange.headers.get(b"content-type", b"application/json")
    if said != b"application/json" and said.partition(b";")[0].strip().lower() != b"application/json":
        raise UnsupportedMedia("send the body as application/json")


def _described(model: ModelInfo) -> dict[str, str | int]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


async def _keep_nothing(event: Event) -> None:
    """The emit of a whole answer: the record keeps what was emitted."""
