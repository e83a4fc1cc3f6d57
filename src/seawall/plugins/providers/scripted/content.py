"""Content faults: an answer goes in, what a misbehaving model would have said comes out."""

import re
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from seawall.plugins.providers.scripted import tools
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.faults import Chosen, count
from seawall.plugins.providers.scripted.model import Said
from seawall.plugins.providers.scripted.reading import Reading
from seawall.plugins.providers.scripted.text import sentences, tokens

_TRIGGER: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,60}\b(?:instructions?|rules?|prompt|above|previous|prior)\b"
    r"|\bnew (?:instructions?|task)\b|\byou must now\b|\binstead,"
    r"|\b(?:assistant|ai|model)\s*(?:must|should|:)|^\s*system\s*:",
    re.IGNORECASE,
)
_SPEECH: Final = re.compile(
    r"\b(?:say|reply|respond|write|output|print|answer|tell the user)(?:\s+(?:only|exactly|with|that))*"
    r"\s*:?\s*(?:[\"“'](.+?)[\"”']|(.+?)(?:[.!]|$))",
    re.IGNORECASE,
)
_REVEAL: Final = re.compile(
    r"\b(?:reveal|repeat|print|show|output|leak)\b.{0,40}"
    r"\b(?:system prompt|prompt|instructions|rules|above)\b",
    re.IGNORECASE,
)
_CITATION: Final = re.compile(r"\s*\[[\w.:/#-]+\]")
_DECLINE: Final = "I'm sorry, but I can't help with that."


def spoil(said: Said, chosen: Chosen, reading: Reading, draw: Draw) -> Said:
    """Apply whatever content and tool faults are chosen."""
    said = _other_words(said, chosen, reading, draw)
    if said.calls:
        said = replace(said, calls=_calls(said.calls, chosen, reading))
    if said.is_json:
        said = replace(said, text=_broken_json(said.text, chosen, draw))
    elif said.text:
        said = replace(said, text=_worse_text(said.text, chosen, reading, draw))
    if "repeat" in chosen and said.text:
        last = said.text if said.is_json else list(sentences(said.text))[-1]
        said = replace(said, text=said.text + f" {last}" * count(chosen, "repeat"))
    if "tokens" in chosen and not said.calls:
        said = replace(said, text=_exactly(said.text, count(chosen, "tokens"), reading))
    if "filtered" in chosen:
        half = tokens(said.text)
        said = replace(said, text="".join(half[: len(half) // 2]), calls=[], finish="content_filter")
    return said


def _other_words(said: Said, chosen: Chosen, reading: Reading, draw: Draw) -> Said:
    """Faults that put another answer in the place of this one."""
    if "empty" in chosen:
        return Said()
    if "refusal" in chosen:
        return Said(refusal=_DECLINE, confidence=0.99)
    if "leak_prompt" in chosen and reading.system:
        return Said(reading.system)
    if "obey_injection" in chosen and (order := injected_order(reading)):
        return _obeyed(order, reading, draw) or said
    if "tool_loop" in chosen and reading.results:
        again = reading.results[-1].call.function
        return Said(
            calls=[tools.Call(f"call_{draw.name('loop')}", again.name, again.arguments)], finish="tool_calls"
        )
    if "hallucinate" in chosen:
        return replace(said, confidence=0.5)
    return said


def injected_order(reading: Reading) -> str:
    """The first instruction that hides in text which is not the application's; empty when there is none."""
    for turn in reading.turns:
        if turn.role not in ("user", "tool"):
            continue
        lines = list(sentences(turn.text))
        for place, line in enumerate(lines):
            if _TRIGGER.search(line):
                return " ".join(lines[place : place + 4])
    return ""


def _obeyed(order: str, reading: Reading, draw: Draw) -> Said | None:
    offered = [tool.function for tool in reading.asked.tools or ()]
    fitting = max(offered, key=lambda tool: tools.fit(tool, order), default=None)
    if fitting is not None and tools.fit(fitting, order) >= 2:
        filled = msgspec.json.encode(tools.arguments(fitting, order, order)).decode()
        return Said(
            calls=[tools.Call(f"call_{draw.name('obeyed')}", fitting.name, filled)], finish="tool_calls"
        )
    if _REVEAL.search(order) and reading.system:
        return Said(reading.system)
    if speech := _SPEECH.search(order):
        return Said((speech[1] or speech[2]).strip())
    return None


def _calls(calls: list[tools.Call], chosen: Chosen, reading: Reading) -> list[tools.Call]:
    offered = [tool.function for tool in reading.asked.tools or ()]
    if "wrong_tool" in chosen:
        calls = [replace(call, name=f"{call.name}_v2") for call in calls]
    if "other_tool" in chosen:
        calls = [
            replace(call, name=next((tool.name for tool in offered if tool.name != call.name), call.name))
            for call in calls
        ]
    if "invalid_arguments" in chosen:
        calls = [replace(call, arguments=_mistyped(call.arguments)) for call in calls]
    if "broken_arguments" in chosen:
        calls = [replace(call, arguments=call.arguments[:-1]) for call in calls]
    if "tool_no_id" in chosen:
        calls = [replace(call, id="") for call in calls]
    if "tool_duplicate_id" in chosen:
        calls = [replace(call, id=calls[0].id) for call in calls]
    return calls


def _mistyped(encoded: str, victim: int = 0) -> str:
    """The object with one field of another type; one more field when it has none."""
    value: dict[str, Any] = msgspec.json.decode(encoded)
    if not value:
        return '{"unexpected":true}'
    key = list(value)[victim % len(value)]
    value[key] = [value[key]] if isinstance(value[key], dict) else {"value": value[key]}
    return msgspec.json.encode(value).decode()


def _broken_json(text: str, chosen: Chosen, draw: Draw) -> str:
    value = msgspec.json.decode(text)
    if isinstance(value, dict) and value:
        victim = draw.below("field", len(value))
        if "json_wrong_type" in chosen:
            text = _mistyped(text, victim)
        if "json_missing" in chosen:
            gone = list(value)[victim]
            text = _encoded({key: item for key, item in value.items() if key != gone})
        if "json_extra" in chosen:
            text = _encoded({**value, "additional_note": "added"})
    if "json_trailing_commas" in chosen:
        text = re.sub(r"(?<=[^\[{,])([\]}])$", r",\1", text)
    if "json_single_quotes" in chosen:
        text = text.replace('"', "'")
    if "json_truncated" in chosen:
        text = text[: max(1, len(text) * 2 // 3)]
    if "json_fences" in chosen:
        text = f"```json\n{text}\n```"
    if "json_prose" in chosen:
        text = f"Sure, here is the JSON you asked for:\n\n{text}\n\nLet me know if you need anything else."
    return text


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _worse_text(text: str, chosen: Chosen, reading: Reading, draw: Draw) -> str:
    if "uncited" in chosen:
        text = _CITATION.sub("", text)
    if "hallucinate" in chosen:
        topic = max(re.findall(r"[^\W\d_]{4,}", reading.question), key=len, default="matter")
        share, year = 11 + draw.below("share", 80), 1990 + draw.below("year", 30)
        source = f" [{reading.sources[0]}]" if reading.sources and "uncited" not in chosen else ""
        figure = f"{share}.{draw.below('tenth', 10)} percent"
        text += f" Studies from {year} put the {topic.lower()} at {figure}{source}."
    if "hallucinated_citation" in chosen:
        known = reading.sources[0] if reading.sources else "doc-1"
        invented = re.sub(r"\d+$", "", known) + str(900 + draw.below("source", 100))
        text = _CITATION.sub("", text).rstrip(".!") + f" [{invented}]."
    if "hedge" in chosen:
        doubted = f"{text[:1].lower()}{text[1:]}"
        text = f"I am not sure, but it might be that {doubted} This could be wrong; please verify it."
    if "markup" in chosen:
        link = f"http://tracker.invalid/{draw.name('link', 8)}"
        text += f' ![chart]({link}.png) [more]({link}) <script src="{link}.js"></script>'
    return text


def _exactly(text: str, wanted: int, reading: Reading) -> str:
    """*text*, cut or gone on with the prompt's words in a circle, until it has *wanted* tokens."""
    have = tokens(text)
    words = [f" {word}" for word in re.findall(r"[a-z]{2,8}", reading.last_user.lower())] or [" and"]
    while len(have) < wanted:
        have.append(words[len(have) % len(words)])
    return "".join(have[:wanted])
