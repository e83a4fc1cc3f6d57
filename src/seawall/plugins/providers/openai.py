"""The provider for OpenAI and for everything that speaks its chat API."""

import asyncio
import sys
from collections import deque
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType

from seawall.core.accumulate import replay
from seawall.core.errors import InvalidRequest, ProviderError, SpecConflict
from seawall.core.events import Event
from seawall.core.ports import ProviderRequest
from seawall.plugins.providers.capabilities import find_vendor
from seawall.transport.client import HttpClient, Response
from seawall.wire.errors import provider_error, request_id
from seawall.wire.openai_chat import Capabilities, StreamDecoder, decode_answer, encode_request

_MOST_ANSWER = 32 * 1024 * 1024  # bytes of a whole answer
_MOST_ERROR = 64 * 1024  # bytes of an error's body
_LINGER = 0.05
"""Seconds to wait for the end of the response after the terminator of the answer. Nearly always it is there
already; without it the connection could not be used again, and the next call would pay for a new one."""


class OpenAI:
    """Asks the chat endpoint below *base_url*, which *client* talks to, with *api_key*.

    *vendor* says whose server it is and thereby what it takes (see `capabilities`). Raises `SpecConflict`
    for an unknown vendor, for a key that cannot be sent, and if a vendor's own address is used without key.
    """

    def __init__(
        self, *, client: HttpClient, base_url: str, api_key: str = "", vendor: str = "openai"
    ) -> None:
        known = find_vendor(vendor)
        if not api_key and not known.keyless and base_url.rstrip("/") == known.base_url:
            raise SpecConflict(
                f"{vendor!r} at {base_url!r} takes no request without a key",
                hint=f"Set key to ${{{known.key_variable}}} and that variable to your key",
            )
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise SpecConflict(
                f"the key for {vendor!r} has characters that no key has",
                hint="Look for a line break or a space at its end, or for quotation marks around it",
            )
        self.capabilities = known.chat
        self._name = f"OpenAI(vendor={vendor!r}, base_url={base_url!r})"
        self._client = client
        self._path = client.prefix + b"/chat/completions"
        lines = [b"content-type: application/json", f"user-agent: {_user_agent()}".encode()]
        if api_key:
            lines.append(f"authorization: Bearer {api_key}".encode())
        fixed = b"".join(b"%b\r\n" % line for line in lines)
        self._headers_whole = fixed + b"accept: application/json\r\nx-request-id: "
        self._headers_streamed = fixed + b"accept: text/event-stream\r\nx-request-id: "

    def __repr__(self) -> str:
        return self._name

    def open(self, request: ProviderRequest) -> "_Exchange":
        """One attempt. Raises `ProviderError` on entering and while the events are read; see the port.

        A request that this vendor cannot be asked is a `bad_request` with `param`, and nothing is sent.
        """
        start = self._headers_streamed if request.chat.stream else self._headers_whole
        headers = b"%b%b\r\n" % (start, _header_value(request))
        return _Exchange(self._client, self._path, headers, request, self.capabilities)


def _user_agent() -> str:
    try:
        return f"seawall/{version('seawall')}"
    except PackageNotFoundError:  # run from its sources
        return "seawall"


def _header_value(request: ProviderRequest) -> bytes:
    # The correlation id may be the caller's; one that could break out of its header is not passed on.
    for text in (request.correlation_id, request.call_id):
        if text and len(text) <= 200 and text.isascii() and text.isprintable():
            return text.encode()
    return b"none"


class _Exchange:
    """One request and its answer: the context that `open` gives, and the stream that entering it gives."""

    __slots__ = (
        "_capabilities",
        "_client",
        "_decoder",
        "_headers",
        "_over",
        "_path",
        "_ready",
        "_request",
        "_response",
        "upstream_request_id",
        "upstream_status",
    )

    def __init__(
        self,
        client: HttpClient,
        path: bytes,
        headers: bytes,
        request: ProviderRequest,
        capabilities: Capabilities,
    ) -> None:
        self._client = client
        self._path = path
        self._headers = headers
        self._request = request
        self._capabilities = capabilities
        self._response: Response | None = None
        self._decoder: StreamDecoder | None = None
        self._ready: deque[Event] = deque()
        self._over = False
        self.upstream_request_id = ""
        self.upstream_status = 0

    async def __aenter__(self) -> "_Exchange":
        try:
            body = encode_request(self._request, self._capabilities)
        except InvalidRequest as error:
            raise _unasked(error) from None
        response = self._client.exchange(b"POST", self._path, self._headers, body)
        await response.__aenter__()
        try:
            self.upstream_status = response.status
            self.upstream_request_id = request_id(response.headers)
            if not 200 <= response.status < 300:
                raise await _refused(response)
            self._decoder = self._decoder_for(response)
        except BaseException:
            await response.__aexit__(*sys.exc_info())
            raise
        self._response = response
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        response, self._response = self._response, None
        if response is not None:
            if kind is None and self._decoder is not None and self._decoder.done:
                await _linger(response)
            await response.__aexit__(kind, error, trace)

    def __aiter__(self) -> "_Exchange":
        return self

    async def __anext__(self) -> Event:
        ready = self._ready
        while not ready:
            if self._over:
                raise StopAsyncIteration
            if self._response is None:
                raise RuntimeError("the events of an exchange can only be read inside its `async with`")
            try:
                if self._decoder is None:
                    self._over = True
                    ready.extend(replay(decode_answer(await self._response.read(_MOST_ANSWER))))
                elif self._decoder.error is not None:
                    raise self._decoder.error
                elif data := await self._response.chunk():
                    ready.extend(self._decoder.feed(data))
                    self._over = self._decoder.done
                else:
                    self._over = True
                    ready.extend(self._decoder.end())
            except ProviderError as error:
                self._over = True
                error.request_id = error.request_id or self.upstream_request_id
                error.upstream_status = error.upstream_status or self.upstream_status
                raise
        return ready.popleft()

    def _decoder_for(self, response: Response) -> StreamDecoder | None:
        """How to read the answer: `None` for a whole one, which some servers send even if asked to stream."""
        if not self._request.chat.stream:
            return None
        content_type = response.headers.get(b"content-type", b"").lower()
        if content_type.startswith(b"application/json"):
            return None
        if content_type.startswith(b"text/html"):
            raise ProviderError(
                "bad_response",
                "the provider's answer is not one of its API",
                hint="an HTML page under status 200: is base_url the address of the API?",
                upstream_status=response.status,
                request_id=self.upstream_request_id,
            )
        return StreamDecoder()


def _unasked(error: InvalidRequest) -> ProviderError:
    refused = ProviderError("bad_request", error.message, hint="refused here, before anything was sent")
    refused.param = error.param
    return refused


async def _refused(response: Response) -> ProviderError:
    try:
        body = await response.read(_MOST_ERROR)
    except ProviderError:  # cut off or endless: the status still says what happened
        body = b""
    return provider_error(response.status, response.headers, body)


async def _linger(response: Response) -> None:
    # The answer is complete: whatever is wrong from here on costs the connection and nothing else.
    with suppress(TimeoutError, ProviderError):
        async with asyncio.timeout(_LINGER):
            await response.chunk()
