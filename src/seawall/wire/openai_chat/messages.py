"""Messages of the chat dialect ↔ core messages, both ways.

Within an assistant's message the dialect knows no order between reasoning, words and tool calls; they are
kept in that one. A content of one text and an array of one text part are the same.
"""

from collections.abc import Iterator
from typing import Any

from seawall.core.errors import InvalidRequest
from seawall.core.messages import Media, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from seawall.wire.openai_chat import schema
from seawall.wire.openai_chat.dialect import Capabilities

_ROLES: dict[type, Role] = {
    schema.SystemMessage: "system",
    schema.DeveloperMessage: "developer",
    schema.UserMessage: "user",
}


def decode_message(wire: schema.InputMessage) -> Message:
    """One message as it came."""
    name = wire.name or ""
    if isinstance(wire, schema.AssistantMessage):
        return Message("assistant", tuple(_assistant_parts(wire)), name)
    content = wire.content
    parts = (Text(content),) if isinstance(content, str) else tuple([_decode_part(part) for part in content])
    if isinstance(wire, schema.ToolMessage):
        return Message("tool", (ToolResult(wire.tool_call_id, parts),), name)
    return Message(_ROLES[type(wire)], parts, name)


def _decode_part(wire: schema.UserPart) -> Text | Media:
    match wire:
        case schema.TextPart(text):
            return Text(text)
        case schema.ImagePart(image):
            return Media("image", url=image.url, detail=image.detail or "")
        case schema.AudioPart(audio):
            return Media("audio", data=audio.data, media_type=audio.format)
        case schema.FilePart(file):
            return Media(
                "file", data=file.file_data or "", file_id=file.file_id or "", name=file.filename or ""
            )


def _assistant_parts(wire: schema.AssistantMessage) -> Iterator[Part]:
    if reasoning := wire.reasoning_content or wire.reasoning:
        yield Reasoning(reasoning)
    content = wire.content
    if isinstance(content, str):
        yield Text(content)
    elif content:
        for part in content:
            yield Refusal(part.refusal) if isinstance(part, schema.RefusalPart) else Text(part.text)
    if wire.refusal:
        yield Refusal(wire.refusal)
    for call in wire.tool_calls or ():
        if isinstance(call, schema.FunctionCall):
            yield ToolCall(call.id, call.function.name, call.function.arguments)
        else:
            yield ToolCall(call.id, call.custom.name, call.custom.input, "custom")


def encode_messages(messages: tuple[Message, ...], dialect: Capabilities) -> list[dict[str, Any]]:
    """The messages as *dialect* takes them. Raises `InvalidRequest` for what it cannot express."""
    wire: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        parts = message.parts
        role = message.role
        if role == "developer" and not dialect.developer_role:
            role = "system"
        if len(parts) == 1 and type(parts[0]) is Text:
            item: dict[str, Any] = {"role": role, "content": parts[0].text}
        elif role == "assistant":
            item = _encode_assistant(message, dialect, number)
        else:
            results = [part for part in parts if isinstance(part, ToolResult)]
            wire += [_encode_result(result, message.name, dialect, number) for result in results]
            if len(results) == len(parts) and results:
                continue
            item = {
                "role": role,
                "content": [_encode_part(part, number) for part in parts if not isinstance(part, ToolResult)],
            }
        if message.name:
            item["name"] = _name(message.name, dialect, number)
        wire.append(item)
    return wire


def _encode_assistant(message: Message, dialect: Capabilities, number: int) -> dict[str, Any]:
    words: list[Text | Refusal] = []
    calls: list[dict[str, Any]] = []
    reasoning = ""
    for part in message.parts:
        if isinstance(part, Text | Refusal):
            words.append(part)
        elif isinstance(part, ToolCall):
            calls.append(encode_call(part))
        elif isinstance(part, Reasoning):
            reasoning += part.text
        else:
            raise _inexpressible(part, number)
    item: dict[str, Any] = {"role": "assistant", "content": None}
    if len(words) == 1 and isinstance(words[0], Text):
        item["content"] = words[0].text
    elif len(words) == 1:
        item["refusal"] = words[0].text
    elif words:
        item["content"] = [_encode_part(part, number) for part in words]
    if reasoning and dialect.reasoning_field:
        item[dialect.reasoning_field] = reasoning
    if calls:
        item["tool_calls"] = calls
    return item


def encode_call(call: ToolCall) -> dict[str, Any]:
    """A tool call, the same in a request and in an answer."""
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _encode_result(result: ToolResult, name: str, dialect: Capabilities, number: int) -> dict[str, Any]:
    parts = result.parts
    if media := next((part for part in parts if isinstance(part, Media)), None):
        raise _inexpressible(media, number)
    content: Any = [{"type": "text", "text": part.text} for part in parts if isinstance(part, Text)]
    if len(content) == 1:
        content = content[0]["text"]
    item = {"role": "tool", "tool_call_id": result.call_id, "content": content}
    if name:
        item["name"] = _name(name, dialect, number)
    return item


def _encode_part(part: Part, number: int) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media):
        return _encode_media(part, number)
    raise _inexpressible(part, number)


def _encode_media(media: Media, number: int) -> dict[str, Any]:
    if media.kind == "image" and not media.file_id and (media.url or media.data):
        image = {"url": media.url or _data_url(media)}
        if media.detail:
            image["detail"] = media.detail
        return {"type": "image_url", "image_url": image}
    if media.kind == "audio" and media.data:
        format_ = media.media_type.removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": format_}}
    if media.kind == "file" and not media.url:
        data = _data_url(media) if media.data and media.media_type else media.data
        fields = {"file_data": data, "file_id": media.file_id, "filename": media.name}
        return {"type": "file", "file": {name: value for name, value in fields.items() if value}}
    raise _inexpressible(media, number)


def _data_url(media: Media) -> str:
    return f"data:{media.media_type};base64,{media.data}"


def _name(name: str, dialect: Capabilities, number: int) -> str:
    if not dialect.message_names:
        raise InvalidRequest(
            f"messages[{number}].name is {name!r}, but this provider takes no names",
            param=f"messages[{number}].name",
        )
    return name


def _inexpressible(part: Part, number: int) -> InvalidRequest:
    what = f"{part.kind} given this way" if isinstance(part, Media) else type(part).__name__.lower()
    return InvalidRequest(
        f"messages[{number}] holds {what!r}, which this provider's chat API cannot take there",
        param=f"messages[{number}].content",
    )
