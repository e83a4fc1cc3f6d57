"""Which tools the scripted model calls, and with which arguments."""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from seawall.plugins.providers.scripted import fields
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.reading import Reading, Result
from seawall.plugins.providers.scripted.request import AskedFunction
from seawall.plugins.providers.scripted.schema import Filling
from seawall.plugins.providers.scripted.text import stems

_CLAUSE: Final = re.compile(
    r"\s*(?:[;?!]\s+|[;?!]$|,?\s+and\s+(?:also\s+|then\s+)?|,\s+then\s+|\.\s+)", re.IGNORECASE
)
_FITS: Final = 2.0


class Call(Struct):
    """A tool call as it will be written."""

    id: str
    name: str
    arguments: str
    """JSON, unless a fault broke it."""


def choose(reading: Reading, draw: Draw) -> list[Call]:
    """The tool calls with which to answer; none when no tool fits, or results are there already."""
    offered, forced = _allowed(reading)
    if not offered or (reading.results and not forced):
        return []
    wanted = _wanted(offered, reading, forced=forced)
    if reading.asked.parallel_tool_calls is False:
        wanted = wanted[:1]
    return [
        Call(f"call_{draw.name(f'call {place}')}", tool.name, _encoded(arguments))
        for place, (tool, arguments) in enumerate(wanted)
    ]


def _allowed(reading: Reading) -> tuple[list[AskedFunction], bool]:
    """The tools that may be called, and whether one must be."""
    offered = [tool.function for tool in reading.asked.tools or ()]
    choice = reading.asked.tool_choice
    if choice == "none":
        return [], False
    if isinstance(choice, dict):
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, dict):
            names = {str((entry.get("function") or {}).get("name")) for entry in allowed.get("tools", ())}
            return [tool for tool in offered if tool.name in names], allowed.get("mode") == "required"
        name = (choice.get("function") or {}).get("name")
        return [tool for tool in offered if tool.name == name], True
    return offered, choice == "required"


def _wanted(
    offered: list[AskedFunction], reading: Reading, *, forced: bool
) -> list[tuple[AskedFunction, dict[str, Any]]]:
    """Each clause of the question calls the tool that fits it; one that fits none may vary the last call."""
    question = reading.question
    wanted: list[tuple[AskedFunction, dict[str, Any]]] = []
    for clause in filter(None, _CLAUSE.split(question)):
        tool, score = _best(offered, clause)
        if score >= _FITS:
            call = (tool, arguments(tool, clause, question))
        elif wanted and (varied := _varied(wanted[-1][0], clause, wanted[-1][1])):
            call = (wanted[-1][0], varied)
        else:
            continue
        if call not in wanted:
            wanted.append(call)
    if not wanted:
        tool, score = _best(offered, question)
        if forced or score >= _FITS:
            wanted.append((tool, arguments(tool, question, question)))
    return wanted


def _best(offered: list[AskedFunction], text: str) -> tuple[AskedFunction, float]:
    scored = [(fit(tool, text), -place, tool) for place, tool in enumerate(offered)]
    score, _, tool = max(scored, key=lambda item: item[:2])
    return tool, score


def fit(tool: AskedFunction, text: str) -> float:
    """How well a tool fits a text: shared words count most in its name, less in what describes it."""
    words = set(stems(text))
    name = set(stems(tool.name))
    about = set(stems(tool.description or "")) - name
    properties: dict[str, Any] = (tool.parameters or {}).get("properties") or {}
    inner = {
        word
        for key, part in properties.items()
        for word in stems(f"{key} {part.get('description', '') if isinstance(part, dict) else ''}")
    }
    return 2.0 * len(words & name) + 1.0 * len(words & about) + 0.5 * len(words & (inner - about - name))


def arguments(tool: AskedFunction, clause: str, question: str) -> dict[str, Any]:
    """The arguments as far as the clause has them, else the whole question, else minimal valid values."""
    schema = tool.parameters or {"type": "object"}
    best: dict[str, Any] = {}
    most = -1
    for text in (clause, question):
        filling = Filling(schema, text, say=lambda: question)
        filled = filling.fill()
        if filling.found > most and isinstance(filled, dict):
            best, most = filled, filling.found
    return best


def _varied(tool: AskedFunction, clause: str, before: dict[str, Any]) -> dict[str, Any] | None:
    """The arguments *before* with the value that this clause has instead; `None` when it has none."""
    properties: dict[str, Any] = (tool.parameters or {}).get("properties") or {}
    for key, part in properties.items():
        form = str(part.get("format", "")) if isinstance(part, dict) else ""
        found = fields.every(key, form, f"x {clause}")
        if key in before and found and found[0] != before[key]:
            return {**before, key: found[0]}
    return None


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def report(reading: Reading) -> str:
    """What the tools found, in words."""
    return " ".join(_told(result) for result in reading.results)


def _told(result: Result) -> str:
    try:
        value = msgspec.json.decode(result.text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = result.text.strip()
    about = _subject(result.call.function.arguments)
    if isinstance(value, dict) and value.get("error"):
        whose = f" for {about}" if about else ""
        return f"{result.call.function.name}{whose} failed: {_words(value['error'])}."
    words = _words(value).rstrip(".")
    return f"{about}: {words}." if about and about not in words else f"{words}."


def _subject(encoded: str) -> str:
    try:
        value = msgspec.json.decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(value, dict):
        return ""
    return ", ".join(
        str(item) for item in value.values() if isinstance(item, str | int | float) and item != ""
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')} {_words(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_words(item) for item in value) or "nothing"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)
