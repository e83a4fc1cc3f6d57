"""What is said: messages made of typed parts, and the tools a model may call.

The vocabulary is the union of what the vendors' APIs can express; a codec in `seawall.wire` maps each
dialect onto it without loss. Values are immutable: a layer that changes a message makes a new one.
"""

from typing import Any, Literal

from msgspec import Struct

Role = Literal["system", "developer", "user", "assistant", "tool"]
MediaKind = Literal["image", "audio", "file"]


class Text(Struct, frozen=True, tag="text"):
    """Words."""

    text: str
    logprobs: tuple[Any, ...] | None = None
    """Token log-probabilities as the provider gave them, when they were asked for."""


class Refusal(Struct, frozen=True, tag="refusal"):
    """Words with which the model itself declined."""

    text: str
    logprobs: tuple[Any, ...] | None = None


class Reasoning(Struct, frozen=True, tag="reasoning"):
    """The model's visible thinking; a signature, where present, must travel back unchanged."""

    text: str
    signature: str = ""


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """The model asks for a tool. `arguments` is the text it wrote: JSON only once validated."""

    id: str
    name: str
    arguments: str
    kind: str = "function"
    """`function`, or `custom` for tools that take free text."""


class Media(Struct, frozen=True, tag="media"):
    """An image, a sound or a file: by `url`, by base64 `data`, or by the vendor's `file_id`."""

    kind: MediaKind
    url: str = ""
    data: str = ""
    file_id: str = ""
    media_type: str = ""
    """A MIME type, or the vendor's short name of a format (`wav`)."""
    detail: str = ""
    name: str = ""


class ToolResult(Struct, frozen=True, tag="tool_result"):
    """What a tool answered to the call `call_id`."""

    call_id: str
    parts: tuple[Text | Media, ...]
    failed: bool = False


Part = Text | Refusal | Reasoning | ToolCall | ToolResult | Media


class Message(Struct, frozen=True, omit_defaults=True):
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""

    @property
    def text(self) -> str:
        """The words of this message, without reasoning, tools or media."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools this message asks for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class ToolSpec(Struct, frozen=True, omit_defaults=True):
    """A tool the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    kind: str = "function"
    format: dict[str, Any] | None = None
    """The grammar of a `custom` tool's input."""
