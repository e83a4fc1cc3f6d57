"""What the scripted model says: an answer out of the context it is given, and nothing else.

There is no knowledge in here. A question is answered with the given sentences that share most content words
with it; a classification prompt with the label that overlaps most; a schema with what the text holds.
"""

import re
from collections import Counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from seawall.plugins.providers.scripted import labels, tools
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.reading import Reading, Sentence
from seawall.plugins.providers.scripted.schema import Filling
from seawall.plugins.providers.scripted.text import sentences, stems

_ENOUGH: Final = 0.3
_UNKNOWN: Final = "I do not know: nothing in what I was given answers that."
_ECHO: Final = re.compile(
    r"^\s*(?:please\s+)?(?:say|repeat|echo|reply|respond|answer)(?:\s+(?:with|only|exactly|just|this"
    r"|the words?))*\s*:?\s*(?:[\"“'](.+?)[\"”']\s*[.!]?|(?<=:)\s*(.+?))\s*$",
    re.IGNORECASE | re.DOTALL,
)
_SUMMARISE: Final = re.compile(r"\b(?:summar\w+|tl;?dr|condense|key points|shorten)\b", re.IGNORECASE)
_MANNER: Final = re.compile(
    r"\b(begin|start|end|finish|close)\b[^.\n]{0,40}?\b(?:answer|reply|response|message)s?\s+with\s*:?\s*"
    r"(?:[\"“'](.+?)[\"”'](?:\W|$)|the words?\s+([^\n.]+))",
    re.IGNORECASE,
)
_SHORT: Final = re.compile(r"\b(?:one|a single|1) sentence\b", re.IGNORECASE)
_KEYS: Final = re.compile(r"[\"'`]([A-Za-z_]\w*)[\"'`]\s*:")
_KEYS_LISTED: Final = re.compile(
    r"\b(?:keys?|fields?|propert(?:y|ies))(?:\s+(?:are|called|named))?\s*:?\s*"
    r"([\"'`]?\w+[\"'`]?(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)[\"'`]?\w+[\"'`]?)*)"
)
_MINE: Final = (("I am", "you are"), ("I'm", "you are"), ("I", "you"), ("[Mm]y", "your"), ("[Mm]e", "you"))
_LEAD_INS: Final = ("", "From what I was given: ", "Here is what I found: ", "According to the text: ")


class Said(Struct):
    """One choice of an answer."""

    text: str = ""
    calls: list[tools.Call] = []
    refusal: str = ""
    finish: str = "stop"
    confidence: float = 0.95
    """From 0 to 1; the log-probabilities follow it."""
    is_json: bool = False


def speak(reading: Reading, draw: Draw, *, careless: bool) -> Said:
    """The answer to what was read. With *careless*, a detail is dropped where there is more than one."""
    asked = reading.asked
    calls = tools.choose(reading, draw)
    if calls:
        return Said(calls=calls, finish="tool_calls", confidence=0.9)
    if asked.form == "json_schema":
        return _json(reading, asked.schema or {}, careless=careless)
    if asked.form == "json_object":
        return _json(reading, _template(reading), careless=careless)
    if offered := labels.offered(f"{reading.system}\n{reading.last_user}"):
        label, score = labels.best_label(offered, reading.last_user if reading.system else reading.question)
        return Said(label, confidence=0.95 if score else 0.45)
    text, confidence = talk(reading, careless=careless)
    return Said(_mannered(_with_media(text, reading), reading.system), confidence=confidence)


def talk(reading: Reading, *, careless: bool = False) -> tuple[str, float]:
    """The answer in words, and how sure it is (0 to 1)."""
    if reading.results:
        return tools.report(reading), 0.95
    if echo := _ECHO.match(reading.question):
        return (echo[1] or echo[2]).strip(), 0.99
    if _SUMMARISE.search(f"{reading.question}\n{reading.system}"):
        return _summary(reading, 2 if careless else 3), 0.9
    ranked = reading.ranked(reading.question)
    if not ranked or ranked[0][0] < _ENOUGH:
        return (_UNKNOWN, 0.7) if stems(reading.question) else ("How can I help you?", 0.9)
    best = ranked[0][0]
    near = [sentence for score, sentence in ranked[:3] if score >= 0.8 * best]
    if careless or _SHORT.search(reading.system):
        near = near[:1]
    near.sort(key=reading.given.index)
    return " ".join(_quoted(sentence) for sentence in near), 0.55 + 0.44 * best


def _quoted(sentence: Sentence) -> str:
    text = sentence.text
    if sentence.role == "user" and not sentence.source:
        for mine, yours in _MINE:
            text = re.sub(rf"\b{mine}\b", yours, text)
        text = text[:1].upper() + text[1:]
    end = text[-1] if text[-1] in ".!" else "."
    return f"{text.rstrip('.!')} [{sentence.source}]{end}" if sentence.source else text.rstrip(".!") + end


def _summary(reading: Reading, most: int) -> str:
    """The sentences whose words occur most often in the rest, in their own order."""
    given = reading.given or [
        Sentence(text, "", "user", frozenset(stems(text))) for text in sentences(reading.last_user)
    ]
    often = Counter(word for sentence in given for word in sentence.stems)
    weight = {id(one): sum(often[word] for word in one.stems) / (len(one.stems) + 3) for one in given}
    best = sorted(given, key=lambda one: weight[id(one)], reverse=True)[:most]
    return " ".join(_quoted(one) for one in given if one in best)


def _json(reading: Reading, schema: dict[str, Any], *, careless: bool) -> Said:
    filling = Filling(
        schema,
        reading.material,
        say=lambda: talk(reading, careless=careless)[0],
        sources=[
            sentence.source for score, sentence in reading.ranked(reading.question)[:1] if score >= _ENOUGH
        ],
    )
    value = filling.fill()
    sure = 0.95 if filling.found else 0.5
    return Said(msgspec.json.encode(value).decode(), confidence=sure, is_json=True)


def _template(reading: Reading) -> dict[str, Any]:
    """A schema with the keys that a prompt asks for in prose or by example; `answer` when it names none."""
    prompt = f"{reading.system}\n{reading.question}"
    keys = _KEYS.findall(prompt)
    if not keys and (listed := _KEYS_LISTED.search(prompt)):
        keys = [key for key in re.findall(r"\w+", listed[1]) if key not in ("and", "or", "the")]
    keys = list(dict.fromkeys(keys)) or ["answer"]
    return {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": keys}


def _with_media(text: str, reading: Reading) -> str:
    """Say how many images, sounds and files came: the scripted model cannot see into them."""
    kinds = (("image_url", "image"), ("input_audio", "sound"), ("file", "file"))
    counted = [(reading.media(kind), word) for kind, word in kinds]
    listed = " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counted if count)
    if not listed:
        return text
    said = f"I was given {listed}."
    return said if text == _UNKNOWN else f"{said} {text}"


def _mannered(text: str, system: str) -> str:
    """Begin and end as the system prompt demands."""
    for verb, quoted, words in _MANNER.findall(system):
        phrase = (quoted or words).strip()
        text = f"{phrase} {text}" if verb.lower() in ("begin", "start") else f"{text} {phrase}"
    return text


def varied(said: Said, draw: Draw) -> Said:
    """The same answer as a model with a temperature would put it another time."""
    if said.calls or said.is_json or said.finish != "stop":
        return said
    lead = _LEAD_INS[draw.below("lead-in", len(_LEAD_INS))]
    return msgspec.structs.replace(said, text=lead + said.text)
