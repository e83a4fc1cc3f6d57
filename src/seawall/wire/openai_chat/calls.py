"""The tool calls of one choice while they are streamed, in pieces that may be interleaved.

A call begins, as an event, when its name and its id are known. Vendors repeat both, send the id late or
never, leave out the index or always send 0.
"""

from collections.abc import Iterator

from seawall.core.events import Event, PartDelta, PartEnd, PartStart
from seawall.wire.openai_chat.completion import Call, Called, arguments_text, made_up_id


class _Growing:
    """One call; `part` is its index among the events, -1 until it has begun."""

    __slots__ = ("custom", "id", "name", "part", "waiting")

    def __init__(self, *, custom: bool) -> None:
        self.part = -1
        self.id = ""
        self.name = ""
        self.custom = custom
        self.waiting: list[str] = []  # arguments that came before the id or the name


class GrowingCalls:
    """The open calls of choice *choice*; *numbers* gives the indexes of the parts that begin."""

    __slots__ = ("_calls", "_choice", "_latest", "_numbers")

    def __init__(self, choice: int, numbers: Iterator[int]) -> None:
        self._choice = choice
        self._numbers = numbers
        self._calls: dict[int, _Growing] = {}
        self._latest = 0  # the key that a piece without index belongs to

    def read(self, wire: Call, out: list[Event]) -> None:
        """Add one piece; append the events it makes to *out*."""
        called = wire.custom or wire.function or Called()
        key = self._key(wire, called)
        self._latest = key
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Growing(custom=wire.custom is not None or wire.type == "custom")
        arguments = (called.input or "") if wire.custom is not None else arguments_text(called.arguments)
        if call.part >= 0:
            if arguments:
                out.append(PartDelta(call.part, arguments))
            return
        call.id = call.id or wire.id or ""
        call.name = call.name or called.name or ""
        call.waiting.append(arguments)
        if call.id and call.name:
            self._begin(call, out)

    def close(self, answer_id: str, out: list[Event]) -> None:
        """End all calls. Those that never got an id get one that is made up."""
        for number, call in enumerate(self._calls.values()):
            if call.part < 0:
                call.id = call.id or made_up_id(answer_id, self._choice, number)
                self._begin(call, out)
            out.append(PartEnd(call.part))
        self._calls.clear()

    def _begin(self, call: _Growing, out: list[Event]) -> None:
        call.part = next(self._numbers)
        out.append(PartStart(call.part, "tool_call", self._choice, call.id, call.name, call.custom))
        if arguments := "".join(call.waiting):
            out.append(PartDelta(call.part, arguments))
        call.waiting.clear()

    def _key(self, wire: Call, called: Called) -> int:
        """Which call a piece belongs to; a key that is not there yet for a new one."""
        calls = self._calls
        key = wire.index if wire.index is not None else self._latest
        known = calls.get(key)
        if known is None or not (called.name and known.name):
            return key
        if not (wire.id and known.id):
            # A name is repeated in the pieces of one call, but only together with its index.
            return key if wire.index is not None else max(calls) + 1
        if wire.id == known.id:
            return key
        return next((other for other, call in calls.items() if call.id == wire.id), max(calls) + 1)
