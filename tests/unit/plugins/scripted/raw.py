"""A raw HTTP client for tests: sends bytes, and tells what came back and how it ended."""

import asyncio
from typing import Any, Literal

import msgspec
from msgspec import Struct

from seawall.plugins.providers.scripted import ScriptedServer

QUIET = 0.4
CONTEXT = (
    "You are a support assistant. Answer only from the passages and cite them.\n\n"
    "[doc-1] Refunds are issued within 14 days of purchase. Items must be unused.\n"
    "[doc-2] Shipping to Europe takes 5 to 7 business days. Express costs 12 EUR.\n"
    "[doc-3] The warranty covers defects for two years."
)
QUESTION = "What does the warranty cover?"
ANSWER = "The warranty covers defects for two years [doc-3]."
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ORDERS = {
    "type": "function",
    "function": {
        "name": "get_order_status",
        "description": "Look up the status of an order",
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
        },
    },
}


class Exchange(Struct):
    """What came back on a connection."""

    data: bytes
    ending: Literal["eof", "reset", "silent"]
    took: float

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0].lower()

    @property
    def body(self) -> bytes:
        """The body with its chunks put together, if it has chunks."""
        rest = self.data.partition(b"\r\n\r\n")[2]
        return unchunked(rest) if b"transfer-encoding: chunked" in self.head else rest


def unchunked(rest: bytes) -> bytes:
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        try:
            length = int(size, 16)
        except ValueError:
            break
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


def asked(model: str = "scripted-instant", text: str = QUESTION, **more: Any) -> dict[str, Any]:
    """The body of a request."""
    messages = [{"role": "system", "content": CONTEXT}, {"role": "user", "content": text}]
    return {"model": model, "messages": messages, **more}


def post(body: Any, path: str = "/v1/chat/completions", *, close: bool = True) -> bytes:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    closing = "connection: close\r\n" if close else ""
    head = f"POST {path} HTTP/1.1\r\nhost: test\r\n{closing}content-length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded


async def exchange(server: ScriptedServer, request: bytes, *, quiet: float = QUIET) -> Exchange:
    """Send *request* and read until the server ends, is quiet for so many seconds, or only pings."""
    started = asyncio.get_running_loop().time()
    data = b""
    ending: Literal["eof", "reset", "silent"] = "eof"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    except ConnectionError:
        return Exchange(b"", "reset", 0.0)
    try:
        writer.write(request)
        while piece := await asyncio.wait_for(reader.read(1 << 20), quiet):
            data += piece
            if data.count(b": ping\n\n") == 3:
                ending = "silent"
                break
    except TimeoutError:
        ending = "silent"
    except ConnectionError:
        ending = "reset"
    finally:
        took = asyncio.get_running_loop().time() - started
        writer.transport.abort()
    return Exchange(data, ending, took)


def once(request: Any, **options: Any) -> Exchange:
    """One request to a fresh server."""

    async def main() -> Exchange:
        async with ScriptedServer(created=1_790_000_000, **options) as server:
            return await exchange(server, request if isinstance(request, bytes) else post(request))

    return asyncio.run(main())


def answered(body: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The decoded answer to a request that is not streamed."""
    return msgspec.json.decode(once(body, **options).body, type=dict[str, Any])


def said(text: str, model: str = "scripted-instant", **more: Any) -> str:
    """The words of the answer to *text*, put without a system prompt."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return str(answered(body)["choices"][0]["message"]["content"])


def events(found: Exchange) -> list[bytes]:
    """The data of the events of a well-formed stream."""
    return [block[6:] for block in found.body.split(b"\n\n") if block.startswith(b"data: ")]
