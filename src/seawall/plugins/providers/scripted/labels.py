"""Choose one label out of a list, by overlap of words and by simple cue words."""

import re
from collections.abc import Mapping
from typing import Final

from seawall.plugins.providers.scripted.text import STOP_WORDS, stem, stems

_CUES: Final[Mapping[str, str]] = {
    "positive": "good great excellent love loved happy thank thanks perfect wonderful pleased best fast",
    "negative": "bad terrible awful hate angry broken poor worst disappointed slow unhappy useless rude",
    "urgent": "urgent immediately asap emergency now critical deadline down outage",
    "high": "urgent immediately asap emergency critical outage down severe lost",
    "low": "whenever minor suggestion someday curious small",
    "critical": "outage down breach emergency lost severe",
    "billing": "invoice charge charged payment paid bill refund card price subscription",
    "payment": "invoice charge charged paid pay card bill",
    "refund": "money back return returned reimburse refunded",
    "technical": "error crash bug broken fails install login password crashes screen update",
    "bug": "error crash broken fails crashes wrong exception",
    "account": "login password email username profile sign locked",
    "shipping": "delivery package parcel tracking shipped arrive arrived late courier deliver",
    "delivery": "package parcel tracking shipped arrive arrived late courier",
    "cancellation": "cancel stop unsubscribe terminate end",
    "spam": "winner prize free offer click lottery viagra crypto cheap",
    "question": "how what when where why who which can could",
    "complaint": "unacceptable terrible angry disappointed complaint worst manager",
    "praise": "great thank thanks love excellent wonderful",
    "feature": "add wish would support option idea suggestion",
}
_CATCH_ALL: Final = ("other", "neutral", "none", "unknown", "general", "normal", "medium", "misc")
_LISTED: Final = re.compile(
    r"(?:one of(?: the following)?(?: \w+)?|labels?(?: are)?|categor(?:y|ies)(?: are)?|class(?:es)?|intents?"
    r"|into|as)"
    r"\s*:?\s*[\[(]?((?:[\"'`]?[\w-]+[\"'`]?\s*(?:,\s*(?:or |and )?|\||/|\s+or\s+)\s*)+[\"'`]?[\w-]+[\"'`]?)",
    re.IGNORECASE,
)
_BULLETS: Final = re.compile(
    r"(?:labels?|categor\w+|class\w*|intents?)[^\n]*:[ \t]*\n((?:[ \t]*(?:[-*•]|\d+[.)])[^\n]+\n?)+)",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"[-*•\d.)\s]*[\"'`*]*([\w-]+(?: [\w-]+)?)[\"'`*]*\s*(?:[:–—-]\s*(.*))?$")
_ASKS: Final = re.compile(r"\b(?:classif|categori[sz]|label|sentiment|intent|triage|route)", re.IGNORECASE)


def offered(prompt: str) -> dict[str, str]:
    """The labels a classification prompt offers, with their descriptions; empty when it is no such prompt."""
    if not _ASKS.search(prompt):
        return {}
    if block := _BULLETS.search(prompt):
        found = (_BULLET.match(line.strip()) for line in block[1].splitlines())
        return {match[1]: match[2] or "" for match in found if match}
    if listed := _LISTED.search(prompt):
        parts = re.split(r"\s*(?:,\s*(?:or |and )?|\||/|\s+or\s+)\s*", listed[1])
        return {part.strip("\"'` "): "" for part in parts if part.strip("\"'` ")}
    return {}


def best_label(labels: Mapping[str, str], text: str) -> tuple[str, float]:
    """The label that fits *text* best and how well; a catch-all one (or the first) with 0 when none does."""
    words = stems(text)
    raw = {word.lower() for word in re.findall(r"[^\W_]+", text)}

    def score(label: str) -> float:
        own = set(stems(label)) or {stem(label)}
        cues = {cue for word in re.findall(r"[a-z]+", label.lower()) for cue in _CUES.get(word, "").split()}
        near = {*stems(labels[label]), *map(stem, cues)}
        direct = 3.0 * (label.lower() in raw) + 2.0 * sum(word in own for word in words)
        return direct + len(near & set(words)) + len(cues & raw & STOP_WORDS)

    ranked = sorted(labels, key=score, reverse=True)
    if ranked and score(ranked[0]) > 0:
        return ranked[0], score(ranked[0])
    fallback = next((label for label in labels if label.lower() in _CATCH_ALL), next(iter(labels), ""))
    return fallback, 0.0
