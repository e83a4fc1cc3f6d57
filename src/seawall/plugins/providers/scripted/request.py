"""A chat completion request as the scripted provider reads it, independent of Seawall's own codec."""

import re
from typing import Any, Final, Literal

import jsonschema_rs
import msgspec
from msgspec import Struct

from seawall.plugins.providers.scripted.faults import Chosen, FaultSyntaxError, parse_faults
from seawall.plugins.providers.scripted.timing import PROFILES, Profile


class BadRequest(ValueError):
    """A request a vendor would refuse with 400 or 404; `code` and `param` go into the error body."""

    def __init__(self, message: str, *, param: str = "", code: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


class AskedFunction(Struct):
    """A function as the caller describes it."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class AskedTool(Struct):
    """An entry of `tools`."""

    function: AskedFunction
    type: Literal["function"] = "function"


class CalledFunction(Struct):
    """What an earlier answer called."""

    name: str
    arguments: str


class EarlierCall(Struct):
    """A tool call of an earlier answer."""

    id: str
    function: CalledFunction
    type: str = "function"


class Turn(Struct):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[EarlierCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """The words of the message."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(
            str(part.get("text", "")) for part in self.content or () if part.get("type") == "text"
        )

    def media(self, kind: str) -> int:
        """How many parts of this type (`image_url`, `input_audio`, `file`) it has."""
        if not isinstance(self.content, list):
            return 0
        return sum(part.get("type") == kind for part in self.content)


class StreamOptions(Struct):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class Asked(Struct):
    """The body of `POST /v1/chat/completions`. Fields that are not here are ignored."""

    model: str
    messages: list[Turn]
    tools: list[AskedTool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None

    @property
    def limit(self) -> int | None:
        """The most tokens an answer may have."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def stops(self) -> list[str]:
        """Texts at which the answer ends."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @property
    def form(self) -> str:
        """`text`, `json_object` or `json_schema`."""
        return str((self.response_format or {}).get("type", "text"))

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema the answer has to meet, if there is one."""
        if self.form != "json_schema":
            return None
        schema = ((self.response_format or {}).get("json_schema") or {}).get("schema")
        return schema if isinstance(schema, dict) else {}


_DECODER: Final = msgspec.json.Decoder(Asked)
_RANGES: Final = (
    ("n", 1, 128),
    ("temperature", 0, 2),
    ("max_tokens", 1, None),
    ("max_completion_tokens", 1, None),
    ("top_logprobs", 0, 20),
)
_AT_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")


def decode(body: bytes) -> Asked:
    """Read and check a request body.

    Raises `BadRequest` where a vendor would answer 400.
    """
    try:
        asked = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        found = _AT_PATH.search(str(error))
        raise BadRequest(str(error), param=found[1] if found else "") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    for name, least, most in _RANGES:
        value = getattr(asked, name)
        if value is not None and (value < least or (most is not None and value > most)):
            upper = "" if most is None else f" and at most {most}"
            raise BadRequest(f"{name} is {value!r}; it must be at least {least}{upper}", param=name)
    if not asked.messages:
        raise BadRequest("messages is empty; at least one message is needed", param="messages")
    if asked.top_logprobs is not None and not asked.logprobs:
        raise BadRequest("top_logprobs needs logprobs to be true", param="top_logprobs")
    if asked.tool_choice is not None and not asked.tools:
        raise BadRequest("tool_choice is only allowed when tools are given", param="tool_choice")
    _check_turns(asked)
    _check_form(asked)
    if asked.tools or asked.response_format:
        _check_schemas(asked)
    return asked


def _check_turns(asked: Asked) -> None:
    waiting: set[str] = set()
    for index, turn in enumerate(asked.messages):
        if turn.role == "tool":
            if turn.tool_call_id not in waiting:
                raise BadRequest(
                    f"messages[{index}]: tool_call_id {turn.tool_call_id!r} answers no tool call before it",
                    param=f"messages[{index}].tool_call_id",
                )
            waiting.discard(turn.tool_call_id or "")
            continue
        if waiting:
            break
        if turn.role == "assistant":
            waiting = {call.id for call in turn.tool_calls or ()}
    if waiting:
        raise BadRequest(f"tool calls {sorted(waiting)} have no tool message with a result", param="messages")


def _check_schemas(asked: Asked) -> None:
    schemas = [("response_format", asked.schema or {})]
    schemas += [(tool.function.name, tool.function.parameters or {}) for tool in asked.tools or ()]
    for whose, schema in schemas:
        try:
            jsonschema_rs.meta.validate(schema)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            said = f"Invalid schema for {whose!r}: {error.args[0] if error.args else error}"
            raise BadRequest(said, code="invalid_json_schema") from error


def _check_form(asked: Asked) -> None:
    if asked.form not in ("text", "json_object", "json_schema"):
        raise BadRequest(f"response_format.type {asked.form!r} is unknown", param="response_format.type")
    if asked.form == "json_object" and not any("json" in turn.text.lower() for turn in asked.messages):
        raise BadRequest(
            "'messages' must contain the word 'json' to use response_format of type 'json_object'",
            param="messages",
        )


_MODEL: Final = re.compile(r"(scripted-[a-z]+)(-\d{4}-\d{2}-\d{2})?")


def read_model(model: str) -> tuple[str, Profile, Chosen]:
    """Read a model's name: the name it is served under, its profile, and the faults it asks for.

    Raises `BadRequest`: 404 for a model there is not, 400 for a fault there is not.
    """
    name, _, suffix = model.partition("+")
    found = _MODEL.fullmatch(name)
    if not found or found[1] not in PROFILES:
        raise BadRequest(
            f"The model {name!r} does not exist; there are: {', '.join(PROFILES)}",
            param="model",
            code="model_not_found",
            status=404,
        )
    try:
        return name, PROFILES[found[1]], parse_faults(suffix)
    except FaultSyntaxError as error:
        raise BadRequest(str(error), param="model", code="unknown_fault") from error
