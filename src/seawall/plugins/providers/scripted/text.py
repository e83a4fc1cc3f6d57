"""Words, sentences and tokens: what the scripted model understands of language, which is overlap."""

import re
from collections.abc import Iterator
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_TOKEN: Final = re.compile(r" ?\w{1,8}| ?[^\w\s]|\s+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?!\[)|(?<=[.!?]\")\s+|(?<=\])\s+(?=[A-Z])")
_ENDINGS: Final = (("ies", "y"), ("ings", ""), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", ""))

_STOPPED: Final = """
    a about above after again all also am an and any are as ask at be because been before being
    below between both but by can could did do does doing done down during each few for from further
    get give given got had has have having he her here hers him his how i if in into is it its
    itself just know let like may me might mine more most much must my no nor not now of off on once
    only or other our ours out over own per please same say shall she should so some such tell than
    that the their theirs them then there these they this those through to too under until up upon
    us very was we were what when where which while who whom whose why will with would you your
    yours i'm i've i'd it's that's what's don't doesn't can't want need take takes took taken long
    many hello hi
"""
STOP_WORDS: Final = frozenset(_STOPPED.split())


def stem(word: str) -> str:
    """The word without its commonest endings, so that `returns`, `returned` and `return` meet."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def stems(text: str) -> list[str]:
    """The content words of *text* in order, as stems. Names_like_this and namesLikeThis are taken apart."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text)
    return [stem(word) for word in _WORD.findall(spaced) if word.lower() not in STOP_WORDS]


def sentences(text: str) -> Iterator[str]:
    """The sentences of *text*; a line end ends one as well."""
    for line in text.splitlines():
        for piece in _SENTENCE_END.split(line):
            if piece := piece.strip():
                yield piece


def tokens(text: str) -> list[str]:
    """*text* in the pieces in which it is streamed; joined they are *text* again."""
    return _TOKEN.findall(text)


def estimate(text: str) -> int:
    """About how many tokens a prompt's text has."""
    return (len(text) + 3) // 4
