"""What the scripted model has in front of it: the question, and the sentences that may answer it."""

import math
import re
from collections import Counter
from functools import cached_property
from typing import Final

from msgspec import Struct

from seawall.plugins.providers.scripted.request import Asked, EarlierCall
from seawall.plugins.providers.scripted.text import sentences, stems

_MARK: Final = re.compile(r"^\s*(?:[-*]\s*)?\[(?=[^\]]*[\d.:/#_-])([\w.:/#-]{1,64})\]:?\s*")
_CITED: Final = re.compile(r"\s*\[(?=[^\]]*[\d.:/#_-])([\w.:/#-]{1,64})\]")
_OPEN_TAG: Final = re.compile(
    r"<[A-Za-z][\w-]*\b[^<>]*?\b(?:id|source|ref|name)\s*=\s*[\"']([^\"'<>]+)[\"'][^<>]*>"
)
_CLOSE_TAG: Final = re.compile(r"</(?:doc|document|source|passage|chunk|result|item|context)[\w-]*>")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")
_LABELLED: Final = re.compile(
    r"^\s*(?:user\s+)?(?:question|query|q)\s*:\s*(.+)", re.IGNORECASE | re.MULTILINE
)
_TAGGED: Final = re.compile(r"<(question|query|user[\w-]*)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_INSTRUCTION: Final = re.compile(
    r"^(?:you(?:'re| are| must| should| will)|answer|always|never|do not|don't|cite|use|respond|reply|return"
    r"|say|write|be |keep|if (?:you|the|there)|classify|extract|please|ignore|treat|only|output|summari[sz]e"
    r"|translate|the (?:following|passages?|text|answer|documents?)|here (?:is|are)|context|sources?"
    r"|passages?|documents?)\b",
    re.IGNORECASE,
)


class Sentence(Struct, frozen=True):
    """One sentence of what was given, and the source it carries."""

    text: str
    source: str
    role: str
    stems: frozenset[str]


class Result(Struct, frozen=True):
    """What a tool answered, and the call it answers."""

    call: EarlierCall
    text: str


class Reading:
    """A request, read. Everything is worked out when it is first looked at."""

    def __init__(self, asked: Asked, *, remembers: int | None = None, edges: int | None = None) -> None:
        """With *remembers*, instructions further back than so many messages are gone; with *edges*, all
        sources but the first and the last so many are overlooked.
        """
        self.asked = asked
        self._edges = edges
        oldest = 0 if remembers is None else len(asked.messages) - remembers
        self.turns = [
            turn
            for place, turn in enumerate(asked.messages)
            if place >= oldest or turn.role not in ("system", "developer")
        ]

    @cached_property
    def system(self) -> str:
        """All instructions from the application."""
        return "\n".join(turn.text for turn in self.turns if turn.role in ("system", "developer"))

    @cached_property
    def last_user(self) -> str:
        """The last thing the user wrote, whole."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    @cached_property
    def question(self) -> str:
        """What the user wants: the labelled or tagged question, the sentences that ask, or the end."""
        text = self.last_user
        if tagged := _TAGGED.findall(text):
            return str(tagged[-1][1]).strip()
        if labelled := _LABELLED.findall(text):
            return str(labelled[-1]).strip()
        plain = [line for line in sentences(text) if not _MARK.match(line)]
        if asking := [line for line in plain if line.endswith("?")]:
            return " ".join(asking)
        if len(text) < 400 or not plain:
            return text.strip()
        orders = [line for line in plain if _INSTRUCTION.match(line)]
        return orders[-1] if orders else plain[-1]

    @cached_property
    def results(self) -> list[Result]:
        """What tools answered since the user last spoke."""
        found: list[Result] = []
        calls: dict[str, EarlierCall] = {}
        for turn in self.turns:
            if turn.role == "user":
                found, calls = [], {}
            for call in turn.tool_calls or ():
                calls[call.id] = call
            if turn.role == "tool" and turn.tool_call_id in calls:
                found.append(Result(calls[turn.tool_call_id], turn.text))
        return found

    @cached_property
    def material(self) -> str:
        """The text to extract from: tool results if there are any, else what the user wrote last."""
        if self.results:
            return "\n".join(result.text for result in self.results)
        return self.last_user or self.system

    @cached_property
    def given(self) -> list[Sentence]:
        """Every sentence that may serve as an answer; only those with a source, if any has one."""
        found: list[Sentence] = []
        for turn in self.turns:
            if turn.role != "assistant":
                found += _sourced(turn.text, turn.role)
        sourced = [sentence for sentence in found if sentence.source]
        if sourced:
            return sourced if self._edges is None else _at_edges(sourced, self._edges)
        question = self.question
        return [
            sentence
            for sentence in found
            if not _INSTRUCTION.match(sentence.text)
            and not sentence.text.endswith(("?", ":"))
            and sentence.text not in question
        ]

    @cached_property
    def sources(self) -> list[str]:
        """The ids of all sources given, in order."""
        return list(dict.fromkeys(sentence.source for sentence in self.given if sentence.source))

    def ranked(self, question: str) -> list[tuple[float, Sentence]]:
        """Sentences that share content words with *question*, best first, and the share they cover."""
        wanted = set(stems(question))
        known = Counter(word for sentence in self.given for word in sentence.stems)
        weight = {word: math.log(1 + (len(self.given) + 1) / max(known[word], 1)) for word in wanted}
        total = sum(weight.values())
        if not total:
            return []
        scored = (
            (sum(weight[word] for word in wanted & sentence.stems) / total, -place, sentence)
            for place, sentence in enumerate(self.given)
        )
        best = sorted((item for item in scored if item[0] > 0), key=lambda item: item[:2], reverse=True)
        return [(score, sentence) for score, _, sentence in best]

    def media(self, kind: str) -> int:
        """How many images (`image_url`), sounds (`input_audio`) or files (`file`) were sent."""
        return sum(turn.media(kind) for turn in self.turns)


def _sourced(text: str, role: str) -> list[Sentence]:
    found: list[Sentence] = []
    source = ""
    for line in text.splitlines():
        if mark := _MARK.match(line):
            source, line = mark[1], line[mark.end() :]
        if tag := _OPEN_TAG.search(line):
            source = tag[1]
        closes = _CLOSE_TAG.search(line) is not None
        for sentence in sentences(_TAG.sub(" ", line)):
            cited = _CITED.search(sentence) if role != "system" or source else None
            said = _CITED.sub("", sentence).strip() if cited else sentence
            asks = said.endswith("?") or bool(_LABELLED.match(said))
            own = "" if asks or _is_order(said, source) else (cited[1] if cited else source)
            if said:
                found.append(Sentence(said, own, role, frozenset(stems(said))))
        if closes:
            source = ""
    return found


def _at_edges(found: list[Sentence], edges: int) -> list[Sentence]:
    order = list(dict.fromkeys(sentence.source for sentence in found))
    seen = {*order[:edges], *order[max(len(order) - edges, 0) :]}
    return [sentence for sentence in found if sentence.source in seen]


def _is_order(said: str, source: str) -> bool:
    """Whether a sentence outside any passage tells the model what to do."""
    return not source and bool(_INSTRUCTION.match(said))
