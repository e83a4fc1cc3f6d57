"""Strings in broken JSON: where one ends, with quotes of any kind or not escaped, and what it says."""

import json
import re
from enum import Enum

from msgspec import Struct

OPENERS = "\"'`“”„‘’‚«"
"""What a string may begin with."""

_CLOSERS = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”",
    "”": "”",
    "„": "“”",
    "‘": "’",
    "’": "’",
    "‚": "‘’",
    "«": "»",
}
_PAIRED = "“„‘‚«"
"""Openers that cannot close: within a string they must balance."""
_LOOSE_CLOSERS = _CLOSERS | {"“": '”“"', "”": '”"', "„": '“”"', "‘": "’‘'", "’": "’'"}


def _bodies(closers: dict[str, str]) -> dict[str, re.Pattern[str]]:
    """Up to the next quote that may close, escapes skipped."""
    return {
        opener: re.compile(rf"[^{ends}\\]*+(?:\\.[^{ends}\\]*+)*+", re.DOTALL)
        for opener, ends in closers.items()
    }


_BODY, _LOOSE_BODY = _bodies(_CLOSERS), _bodies(_LOOSE_CLOSERS)
_PLAIN = re.compile(r'"([^"\\\x00-\x1f]*+)"')

SPACE = r"[\s\ufeff\u200b\u200c\u200d\u2060]*+"
_ANY_QUOTE = "\"'`“”„‘’‚«»"
# A text that was cut may end anywhere within the next key.
_QUOTED_KEY = rf"[{OPENERS}][^{_ANY_QUOTE}\n]{{0,200}}+(?:\Z|[{_ANY_QUOTE}]{SPACE}(?::|\Z))"
_BARE_KEY = rf"[A-Za-z_$][\w$.\-]{{0,199}}+{SPACE}(?::|\Z)"
# A comment that holds a quote may be the rest of the string itself, so it does not count as one here.
_COMMENT = r'(?://[^\n"]*+(?:\n|\Z)|\#[^\n"]*+(?:\n|\Z)|/\*[^"]*?\*/)'
ANSWER_END = r"(?:```|~~~|</?[A-Za-z|][\w|]*>)"
_LITERAL = r"(?:true|false|null|True|False|None|TRUE|FALSE|NULL|undefined)\b"
# After the closer of the container that holds the string.
_TAIL = rf"(?:[ \t\r\xa0]*+(?:\n|\Z|[{{}}\],]|//|/\*|\#|{ANSWER_END})|{SPACE}{_QUOTED_KEY})"


_STRUCTURE = re.compile(rf"\A\s*[,:\]}}]|[{_ANY_QUOTE}]\s*+(?:[,:]\s*+[{_ANY_QUOTE}{{\[]|[\]}}]\s*+,)")


class Place(Enum):
    """Where in its container a string stands; what may follow it depends on this."""

    KEY = re.compile(rf"{SPACE}:")
    ROOT = re.compile(rf"{SPACE}(?:\Z|{ANSWER_END})")
    ITEM = re.compile(
        rf"{SPACE}(?:,{SPACE}(?:[{OPENERS}]|-?\d|[{{\[\],]|{_LITERAL}|{_COMMENT}|\Z)"
        rf"|[\]}}]{_TAIL}|(?<=\s)[{OPENERS}]|{_COMMENT}|\Z|{ANSWER_END})"
    )
    MEMBER = re.compile(
        rf"{SPACE}(?:,{SPACE}(?:{_QUOTED_KEY}|[}}\],]|{_COMMENT}|\Z)"
        rf"|[\]}}]{_TAIL}|{_QUOTED_KEY}|{_COMMENT}|\Z|{ANSWER_END})"
    )
    MEMBER_OF_BARE_KEYS = re.compile(
        rf"{SPACE}(?:,{SPACE}(?:{_QUOTED_KEY}|{_BARE_KEY}|[}}\],]|{_COMMENT}|\Z)"
        rf"|[\]}}]{_TAIL}|{_QUOTED_KEY}|{_BARE_KEY}|{_COMMENT}|\Z|{ANSWER_END})"
    )
    LOOSE_ITEM = re.compile(rf"{SPACE}(?:[,\]}}]|(?<=\s)[{OPENERS}]|{_COMMENT}|\Z|{ANSWER_END})")
    LOOSE_MEMBER = re.compile(
        rf"{SPACE}(?:,{SPACE}(?:{_QUOTED_KEY}|{_BARE_KEY}|[}}\],]|/[/*]|\#|\Z)"
        rf"|[\]}}]|{_QUOTED_KEY}|{_BARE_KEY}|//|/\*|\#|\Z|{ANSWER_END})"
    )


class Quoted(Struct, frozen=True):
    """A string as it was found: its raw content, where it ends, and what was odd about it."""

    raw: str
    end: int
    """Index after the closing quote, or of the end of the text."""
    tries: int = 1
    """How many closing quotes were looked at."""
    closed: bool = True
    odd: bool = False
    """The quotes within do not pair up."""
    fixes: tuple[str, ...] = ()


def find_string(text: str, at: int, place: Place, *, loose: bool, most: int = 10_000) -> Quoted:
    """The string that begins with the quote at *at*.

    A quote closes it only when what follows fits its *place*, so unescaped quotes inside are content. Unless
    *loose*, their number must be even: `"a "b", c: "d""` is one string. What looks like several strings is
    given back as not closed. Looks at *most* quotes. Linear: what is looked at behind a quote reaches at
    most to the quote after the next.
    """
    follows = place.value
    plain = _PLAIN.match(text, at)
    if plain is not None and follows.match(text, plain.end()):
        return Quoted(plain[1], plain.end(), closed=not (loose and _holds_structure(plain[1])))
    if text.startswith('"""', at):
        end = text.find('"""', at + 3)
        if end > 0 and follows.match(text, end + 3) and not _holds_structure(text[at + 3 : end]):
            return Quoted(text[at + 3 : end], end + 3, fixes=("quotes",))
    opener = text[at]
    body = (_LOOSE_BODY if loose else _BODY)[opener]
    paired = opener in _PAIRED
    start, inner, opened, tries = at + 1, 0, 0, 0
    while True:
        found = body.match(text, start)
        position = found.end() if found else start
        if position >= len(text) or text[position] == "\\" or tries >= most:
            return Quoted(text[at + 1 :], len(text), tries + 1, closed=False)
        tries += 1
        opened += text.count(opener, start, position) if paired else 0
        even = inner == opened if paired else inner % 2 == 0
        if (loose or even) and follows.match(text, position + 1):
            raw = text[at + 1 : position]
            fixes = (("quotes",) if opener != '"' else ()) + (("inner_quotes",) if inner else ())
            several = (inner > 0 or loose) and _holds_structure(raw)
            return Quoted(raw, position + 1, tries, closed=not several, odd=not even, fixes=fixes)
        if not _is_apostrophe(text, position):
            inner += 1
        start = position + 1


def _holds_structure(raw: str) -> bool:
    """Whether what was taken for one string may be several, or the space between two."""
    return not raw.lstrip().startswith(("{", "[")) and _STRUCTURE.search(raw) is not None


def _is_apostrophe(text: str, at: int) -> bool:
    return text[at] in "'’" and text[at - 1].isalnum() and at + 1 < len(text) and text[at + 1].isalnum()


_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.)|\Z)", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SIGNS = frozenset("\"'\\/`“”‘’$")
_LONE = re.compile(r"[\ud800-\udfff]")


class Ambiguous(ValueError):
    """What is written can be read in more than one way, or in none."""


def unescape(raw: str, *, cut: bool = False) -> tuple[str, tuple[str, ...]]:
    r"""What the content of a string says, and the fixes it took.

    An escape that JSON does not know (`\P`, `\d`) is a backslash that was not doubled. If in the same string
    letters occur that JSON does know (`\n`, `\t`), nobody can tell which was meant: raises `Ambiguous`, as
    for half of a surrogate pair. With *cut* an escape that is not complete at the end is left out.
    """
    control = ("raw_newline",) if _CONTROL.search(raw) else ()
    if "\\" not in raw:
        return raw, control
    if cut:
        raw = re.sub(r"(?<!\\)((?:\\\\)*+)\\(?:u[0-9a-fA-F]{0,3})?\Z", r"\1", raw)
    try:
        said = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        said, odd = _unescape_odd(raw)
        return said, (*control, "bad_escape") if odd else control
    if _LONE.search(said):
        raise Ambiguous("half of a surrogate pair in a string")
    return said, control


def _unescape_odd(raw: str) -> tuple[str, bool]:
    letters = unknown = odd = False

    def say(found: re.Match[str]) -> str:
        nonlocal letters, unknown, odd
        code = found[1] or found[2]
        if code:
            odd = odd or not found[1]
            return chr(int(code, 16))
        char = found[3] or ""
        if char in _SIGNS:
            odd = odd or char not in '"\\/'
            return char
        if char in _LETTERS:
            letters = True
            return _LETTERS[char]
        odd = True
        if char < " ":  # the backslash of an escape whose letter became the character itself
            return char
        unknown = True
        return "\\" + char

    said = _ESCAPE.sub(say, raw)
    if letters and unknown:
        raise Ambiguous("backslashes in a string are escapes in one place and content in another")
    return (_join_surrogates(said) if _LONE.search(said) else said), odd


def _join_surrogates(text: str) -> str:
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Ambiguous("half of a surrogate pair in a string") from error
