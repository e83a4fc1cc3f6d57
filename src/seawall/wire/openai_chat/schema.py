"""The JSON of the chat dialect as typed structs: requests (strict) and what a message is made of.

Absent fields are `UNSET`, so that encoding a request struct again gives back exactly the keys that came;
`strict` counts on it. Objects within a request refuse unknown fields; only at the top level may there be
others, which become `ChatRequest.extras`.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

OptionalStr: TypeAlias = str | UnsetType | None
OptionalBool: TypeAlias = bool | UnsetType | None
OptionalFloat: TypeAlias = float | UnsetType | None
Positive: TypeAlias = Annotated[int, Meta(ge=1)] | UnsetType | None
Natural: TypeAlias = Annotated[int, Meta(ge=0)] | UnsetType | None
Json: TypeAlias = dict[str, Any]
Scalar: TypeAlias = str | int | float | bool | None


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """An object in which every field has to be known."""


class TextPart(Strict, frozen=True, tag_field="type", tag="text"):
    text: str


class RefusalPart(Strict, frozen=True, tag_field="type", tag="refusal"):
    refusal: str


class ImageUrl(Strict, frozen=True):
    url: str
    detail: OptionalStr = UNSET


class ImagePart(Strict, frozen=True, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class InputAudio(Strict, frozen=True):
    data: str
    format: str


class AudioPart(Strict, frozen=True, tag_field="type", tag="input_audio"):
    input_audio: InputAudio


class File(Strict, frozen=True):
    file_data: OptionalStr = UNSET
    file_id: OptionalStr = UNSET
    filename: OptionalStr = UNSET


class FilePart(Strict, frozen=True, tag_field="type", tag="file"):
    file: File


UserPart: TypeAlias = TextPart | ImagePart | AudioPart | FilePart


class CalledFunction(Strict, frozen=True):
    name: str
    arguments: str


class FunctionCall(Strict, frozen=True, tag_field="type", tag="function"):
    id: str
    function: CalledFunction
    index: Natural = UNSET
    """Only streams have it, but clients that join chunks themselves send it back."""


class CalledCustom(Strict, frozen=True):
    name: str
    input: str


class CustomCall(Strict, frozen=True, tag_field="type", tag="custom"):
    id: str
    custom: CalledCustom
    index: Natural = UNSET


class SystemMessage(Strict, frozen=True, tag_field="role", tag="system"):
    content: str | list[TextPart]
    name: OptionalStr = UNSET


class DeveloperMessage(Strict, frozen=True, tag_field="role", tag="developer"):
    content: str | list[TextPart]
    name: OptionalStr = UNSET


class UserMessage(Strict, frozen=True, tag_field="role", tag="user"):
    content: str | list[UserPart]
    name: OptionalStr = UNSET


class AssistantMessage(Strict, frozen=True, tag_field="role", tag="assistant"):
    content: str | list[TextPart | RefusalPart] | UnsetType | None = UNSET
    refusal: OptionalStr = UNSET
    name: OptionalStr = UNSET
    tool_calls: list[FunctionCall | CustomCall] | UnsetType | None = UNSET
    reasoning_content: OptionalStr = UNSET
    reasoning: OptionalStr = UNSET
    """The same under its other name."""
    annotations: list[dict[str, Scalar | dict[str, Scalar]]] | UnsetType | None = UNSET
    """Notes of the vendor on its own answer; no input, but the SDKs send messages back as they came."""
    audio: UnsetType | None = UNSET
    function_call: UnsetType | None = UNSET


class ToolMessage(Strict, frozen=True, tag_field="role", tag="tool"):
    tool_call_id: str
    content: str | list[TextPart]
    name: OptionalStr = UNSET


InputMessage: TypeAlias = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class FunctionSpec(Strict, frozen=True):
    name: str
    description: OptionalStr = UNSET
    parameters: Json | UnsetType | None = UNSET
    strict: OptionalBool = UNSET


class FunctionTool(Strict, frozen=True, tag_field="type", tag="function"):
    function: FunctionSpec


class CustomSpec(Strict, frozen=True):
    name: str
    description: OptionalStr = UNSET
    format: Json | UnsetType | None = UNSET


class CustomTool(Strict, frozen=True, tag_field="type", tag="custom"):
    custom: CustomSpec


class Named(Strict, frozen=True):
    name: str


class ChosenFunction(Strict, frozen=True, tag_field="type", tag="function"):
    function: Named


class ChosenCustom(Strict, frozen=True, tag_field="type", tag="custom"):
    custom: Named


class AllowedTools(Strict, frozen=True):
    mode: Literal["auto", "required"]
    tools: list[ChosenFunction | ChosenCustom]


class ChosenAllowed(Strict, frozen=True, tag_field="type", tag="allowed_tools"):
    allowed_tools: AllowedTools


class TextFormat(Strict, frozen=True, tag_field="type", tag="text"):
    pass


class JsonObjectFormat(Strict, frozen=True, tag_field="type", tag="json_object"):
    pass


class JsonSchema(Strict, frozen=True):
    name: str
    description: OptionalStr = UNSET
    schema: Json | UnsetType | None = UNSET
    strict: OptionalBool = UNSET


class JsonSchemaFormat(Strict, frozen=True, tag_field="type", tag="json_schema"):
    json_schema: JsonSchema


class StreamOptions(Strict, frozen=True):
    include_usage: OptionalBool = UNSET
    include_obfuscation: Literal[False] | UnsetType | None = UNSET
    """We do not pad our chunks, so only its absence can be promised."""


class Request(Struct, frozen=True):
    """The body of `POST /chat/completions`."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[InputMessage], Meta(min_length=1)]
    tools: list[FunctionTool | CustomTool] | UnsetType | None = UNSET
    tool_choice: (
        Literal["auto", "none", "required"] | ChosenFunction | ChosenCustom | ChosenAllowed | UnsetType | None
    ) = UNSET
    parallel_tool_calls: OptionalBool = UNSET
    temperature: OptionalFloat = UNSET
    top_p: OptionalFloat = UNSET
    max_tokens: Positive = UNSET
    max_completion_tokens: Positive = UNSET
    stop: str | list[str] | UnsetType | None = UNSET
    seed: int | UnsetType | None = UNSET
    frequency_penalty: OptionalFloat = UNSET
    presence_penalty: OptionalFloat = UNSET
    logit_bias: dict[str, float] | UnsetType | None = UNSET
    n: Positive = UNSET
    logprobs: OptionalBool = UNSET
    top_logprobs: Natural = UNSET
    reasoning_effort: OptionalStr = UNSET
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | UnsetType | None = UNSET
    stream: OptionalBool = UNSET
    stream_options: StreamOptions | UnsetType | None = UNSET
    user: OptionalStr = UNSET
    metadata: dict[str, str] | UnsetType | None = UNSET
