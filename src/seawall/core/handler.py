"""The central abstraction: a handler answers a call by emitting events; a layer wraps a handler.

A layer does its work, calls `await inner(call, emit)`, and does the rest. To see or change what is emitted
it passes its own `emit`. Back-pressure is `await emit(…)`. A client that left is a cancellation which
arrives at that `await`.

The stream contract (checked by `seawall.core.contract.StrictEmit`):

1. A part is `PartStart`, any `PartDelta`, `PartEnd`, in order; parts may interleave by index.
2. A handler ends with exactly one `MessageEnd`, or with an exception, never both.
3. Nothing is emitted after the handler returned or raised, and by one task at a time.
4. What comes out of your own `emit` belongs to a layer outside you: clean up and let it pass. Each
   error type has one layer that may catch it: `ProviderError` LLM, `OutputInvalid` Validation,
   `GuardBlocked` Input.
5. A layer may call `inner` again only while it has itself emitted nothing.
6. A layer keeps no per-call state on `self`.
7. Provider timeouts (first token, idle) are measured where events are pulled, not by a scope around
   `emit`; otherwise a slow reader looks like a slow provider.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from seawall.core.call import Call
from seawall.core.events import Event

Emit = Callable[[Event], Awaitable[None]]
Handler = Callable[[Call, Emit], Awaitable[None]]


class Layer(Protocol):
    """Adds one concern: before the inner handler, after it, and to what it emits."""

    async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None: ...


def compose(layers: Sequence[Layer], endpoint: Handler) -> Handler:
    """Nest *layers* around *endpoint*; the first layer is the outermost."""
    for layer in reversed(layers):
        endpoint = _wrap(layer, endpoint)
    return endpoint


def _wrap(layer: Layer, inner: Handler) -> Handler:
    # The layer's own coroutine is returned, not awaited in one more of ours: no extra frame per event.
    def handler(call: Call, emit: Emit) -> Awaitable[None]:
        return layer(call, emit, inner)

    return handler
