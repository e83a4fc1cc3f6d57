"""Requests of the chat dialect: from a caller's body, and to a provider's."""

from typing import Any

import msgspec
from msgspec import UNSET

from seawall.core.errors import InvalidRequest
from seawall.core.messages import ToolSpec
from seawall.core.ports import ProviderRequest
from seawall.core.request import ChatRequest, ResponseFormat, Sampling, ToolChoice
from seawall.wire.openai_chat import schema
from seawall.wire.openai_chat.dialect import Capabilities
from seawall.wire.openai_chat.messages import decode_message, encode_messages
from seawall.wire.openai_chat.strict import parse

_ENCODER = msgspec.json.Encoder()
_LEGACY = ("functions", "function_call")


def decode_request(body: bytes) -> ChatRequest:
    """The request in *body*. Raises `InvalidRequest` with `param` naming the field that is wrong.

    A field whose value is null counts as not given.
    """
    wire, extras = parse(body)
    if extras is not None:
        for name in _LEGACY:
            if name in extras:
                raise InvalidRequest(f"{name!r} is not taken: use 'tools' and 'tool_choice'", param=name)
    options = wire.stream_options
    tools = tuple(_decode_tool(tool) for tool in wire.tools) if wire.tools else ()
    return ChatRequest(
        model=wire.model,
        messages=tuple([decode_message(message) for message in wire.messages]),
        tools=tools,
        tool_choice=_decode_choice(wire, tools) if wire.tool_choice else None,
        parallel_tool_calls=None if wire.parallel_tool_calls is UNSET else wire.parallel_tool_calls,
        sampling=_decode_sampling(wire),
        response_format=_decode_format(wire.response_format) if wire.response_format else None,
        stream=wire.stream or False,
        include_usage=bool(options and options.include_usage),
        user=wire.user or "",
        metadata=wire.metadata or None,
        extras=extras,
    )


def _decode_sampling(wire: schema.Request) -> Sampling:
    stop = wire.stop
    return Sampling(
        temperature=None if wire.temperature is UNSET else wire.temperature,
        top_p=None if wire.top_p is UNSET else wire.top_p,
        max_tokens=_most_tokens(wire),
        stop=() if not stop else (stop,) if isinstance(stop, str) else tuple(stop),
        seed=None if wire.seed is UNSET else wire.seed,
        frequency_penalty=None if wire.frequency_penalty is UNSET else wire.frequency_penalty,
        presence_penalty=None if wire.presence_penalty is UNSET else wire.presence_penalty,
        logit_bias=wire.logit_bias or None,
        n=wire.n or 1,
        logprobs=wire.logprobs or False,
        top_logprobs=None if wire.top_logprobs is UNSET else wire.top_logprobs,
        reasoning_effort=wire.reasoning_effort or None,
    )


def _most_tokens(wire: schema.Request) -> int | None:
    old, new = wire.max_tokens or None, wire.max_completion_tokens or None
    if old is not None and new is not None and old != new:
        raise InvalidRequest(
            f"max_tokens is {old} and max_completion_tokens is {new}: give one of them",
            param="max_completion_tokens",
        )
    return new if new is not None else old


def _decode_tool(tool: schema.FunctionTool | schema.CustomTool) -> ToolSpec:
    if isinstance(tool, schema.FunctionTool):
        function = tool.function
        return ToolSpec(
            name=function.name,
            description=function.description or "",
            parameters=None if function.parameters is UNSET else function.parameters,
            strict=None if function.strict is UNSET else function.strict,
        )
    custom = tool.custom
    return ToolSpec(
        name=custom.name,
        description=custom.description or "",
        kind="custom",
        format=custom.format or None,
    )


def _decode_choice(wire: schema.Request, tools: tuple[ToolSpec, ...]) -> ToolChoice:
    custom = {tool.name for tool in tools if tool.kind == "custom"}

    def name_of(choice: schema.ChosenFunction | schema.ChosenCustom) -> str:
        if isinstance(choice, schema.ChosenFunction):
            return choice.function.name
        if choice.custom.name not in custom:
            raise InvalidRequest(
                f"tool_choice names {choice.custom.name!r}, which is no custom tool in 'tools'",
                param="tool_choice",
            )
        return choice.custom.name

    match wire.tool_choice:
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case schema.ChosenAllowed(allowed):
            names = tuple(name_of(choice) for choice in allowed.tools)
            return ToolChoice("allowed", names, allowed.mode == "required")
        case schema.ChosenFunction() | schema.ChosenCustom() as choice:
            return ToolChoice("tool", (name_of(choice),))
        case _:
            raise TypeError(f"no choice: {wire.tool_choice!r}")


def _decode_format(
    wire: schema.TextFormat | schema.JsonObjectFormat | schema.JsonSchemaFormat,
) -> ResponseFormat:
    if isinstance(wire, schema.TextFormat):
        return ResponseFormat()
    if isinstance(wire, schema.JsonObjectFormat):
        return ResponseFormat("json_object")
    form = wire.json_schema
    return ResponseFormat(
        "json_schema",
        form.name,
        form.description or "",
        None if form.schema is UNSET else form.schema,
        None if form.strict is UNSET else form.strict,
    )


def encode_request(request: ProviderRequest, dialect: Capabilities) -> bytes:
    """The body for a provider that speaks *dialect*. A stream is always asked for its usage.

    Raises `InvalidRequest` naming the field that this provider does not take; nothing is dropped, but
    `user`, `metadata` and earlier reasoning stay with us where `Capabilities` says so.
    """
    chat = request.chat
    fields: dict[str, Any] = {
        "model": request.model,
        "messages": encode_messages(chat.messages, dialect),
    }
    _encode_sampling(chat.sampling, dialect, fields)
    if chat.tools:
        fields["tools"] = [_encode_tool(tool, dialect) for tool in chat.tools]
    if chat.tool_choice is not None:
        fields["tool_choice"] = _encode_choice(chat.tool_choice, chat.tools)
    if chat.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = chat.parallel_tool_calls
    if chat.response_format is not None:
        fields["response_format"] = _encode_format(chat.response_format, dialect)
    if chat.stream:
        fields["stream"] = True
        if dialect.stream_options:
            fields["stream_options"] = {"include_usage": True}
    if chat.user and dialect.user:
        fields["user"] = chat.user
    extras = chat.extras or {}
    if chat.metadata and dialect.metadata and extras.get("store") is True:
        fields["metadata"] = chat.metadata
    refused = (dialect.unsupported & fields.keys()) | (extras.keys() - dialect.extras)
    if refused:
        field = min(refused)
        raise InvalidRequest(f"this provider does not take {field!r}: leave it out", param=field)
    fields.update(extras)
    return _ENCODER.encode(fields)


def _encode_sampling(sampling: Sampling, dialect: Capabilities, fields: dict[str, Any]) -> None:
    if sampling.temperature is not None:
        fields["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        fields["top_p"] = sampling.top_p
    if sampling.max_tokens is not None:
        fields[dialect.max_tokens] = sampling.max_tokens
    if sampling.stop:
        fields["stop"] = sampling.stop
    if sampling.seed is not None:
        fields[dialect.seed] = sampling.seed
    if sampling.frequency_penalty is not None:
        fields["frequency_penalty"] = sampling.frequency_penalty
    if sampling.presence_penalty is not None:
        fields["presence_penalty"] = sampling.presence_penalty
    if sampling.logit_bias is not None:
        fields["logit_bias"] = sampling.logit_bias
    if sampling.n != 1:
        fields["n"] = sampling.n
    if sampling.logprobs:
        fields["logprobs"] = True
    if sampling.top_logprobs is not None:
        fields["top_logprobs"] = sampling.top_logprobs
    if sampling.reasoning_effort is not None:
        fields["reasoning_effort"] = sampling.reasoning_effort


def _encode_tool(tool: ToolSpec, dialect: Capabilities) -> dict[str, Any]:
    item: dict[str, Any] = {"name": tool.name}
    if tool.description:
        item["description"] = tool.description
    if tool.kind == "custom":
        if not dialect.custom_tools:
            raise InvalidRequest(
                f"this provider takes no custom tools such as {tool.name!r}: make it a function",
                param="tools",
            )
        if tool.format is not None:
            item["format"] = tool.format
        return {"type": "custom", "custom": item}
    if tool.parameters is not None:
        item["parameters"] = tool.parameters
    if tool.strict is not None:
        item["strict"] = tool.strict
    return {"type": "function", "function": item}


def _encode_choice(choice: ToolChoice, tools: tuple[ToolSpec, ...]) -> Any:
    if choice.mode not in ("tool", "allowed"):
        return choice.mode
    kinds = {tool.name: tool.kind for tool in tools}
    chosen = [
        {"type": kind, kind: {"name": name}}
        for name, kind in ((name, kinds.get(name, "function")) for name in choice.names)
    ]
    if choice.mode == "tool":
        return chosen[0]
    mode = "required" if choice.required else "auto"
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": chosen}}


def _encode_format(form: ResponseFormat, dialect: Capabilities) -> dict[str, Any]:
    if form.kind != "json_schema":
        return {"type": form.kind}
    if not dialect.json_schema:
        raise InvalidRequest(
            "response_format is 'json_schema', which this provider does not constrain: ask for 'json_object'",
            param="response_format",
        )
    schema_: dict[str, Any] = {"name": form.name}
    if form.description:
        schema_["description"] = form.description
    if form.schema is not None:
        schema_["schema"] = form.schema
    if form.strict is not None:
        schema_["strict"] = form.strict
    return {"type": "json_schema", "json_schema": schema_}
