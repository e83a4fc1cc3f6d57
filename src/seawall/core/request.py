"""What is asked: a conversation, the tools, and how the answer should come."""

from typing import Any, Literal

from msgspec import Struct

from seawall.core.messages import Message, ToolSpec


class Sampling(Struct, frozen=True, omit_defaults=True):
    """How the model draws its answer. `None` means: not said, the provider's default holds."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    n: int = 1
    """How many alternative answers (choices) are wanted."""
    logprobs: bool = False
    top_logprobs: int | None = None
    reasoning_effort: str | None = None


class ResponseFormat(Struct, frozen=True, omit_defaults=True):
    """The form of the answer: free text, any JSON object, or JSON that meets `schema`."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str = ""
    description: str = ""
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class ToolChoice(Struct, frozen=True, omit_defaults=True):
    """Whether the model may, must or must not call tools; `names` narrows to certain ones."""

    mode: Literal["auto", "none", "required", "tool", "allowed"] = "auto"
    names: tuple[str, ...] = ()
    required: bool = False
    """For `allowed`: one of `names` must be called."""


class ChatRequest(Struct, frozen=True, omit_defaults=True):
    """One request for an answer, whatever dialect it came in."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    sampling: Sampling = Sampling()
    response_format: ResponseFormat | None = None
    stream: bool = False
    include_usage: bool = False
    """Whether a streamed answer ends with a usage chunk for the client (we always ask upstream for it)."""
    user: str = ""
    metadata: dict[str, str] | None = None
    extras: dict[str, Any] | None = None
    """Fields that have no counterpart here; a provider forwards those its capability table allows."""
