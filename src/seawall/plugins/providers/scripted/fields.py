"""Find the value of a named field in a text: numbers, dates, e-mails, ids, names, and what a label says."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from seawall.plugins.providers.scripted.labels import best_label
from seawall.plugins.providers.scripted.text import sentences, stem, stems

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = r"(?P<{0}>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)"
_DATE: Final = re.compile(
    r"(?P<y1>\d{4})-(?P<m1>\d{2})-(?P<d1>\d{2})"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH.format('m2')}\.?,?\s+(?P<y2>\d{{4}})"
    rf"|{_MONTH.format('m3')}\.?\s+(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y3>\d{{4}})"
    r"|(?P<d4>\d{1,2})[./](?P<m4>\d{1,2})[./](?P<y4>\d{4})",
    re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL: Final = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;!?]")
_PHONE: Final = re.compile(r"(?<![\w-])\+?\d[\d ()/-]{6,}\d(?!\w)")
_NUMBER: Final = re.compile(
    r"(?<![\w.-])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w-])|(?<![\w.-])-?\d+(?:\.\d+)?(?=\D|$)"
)
_ID: Final = re.compile(r"\b(?=[\w-]*\d)(?:[A-Za-z]+[-_]?)+\d[\w-]*\b|#\d+\b|\b\d{4,}\b")
_NAME: Final = re.compile(r"\b[A-Z][a-zà-ÿ]+(?:[ -](?:[A-Z][a-zà-ÿ]+|[A-Z]\.))+|\b[A-Z][a-zà-ÿ]+\b")
_INTRODUCED: Final = re.compile(
    r"(?:\b(?:my name is|this is|i am|i'm|called|named|regards,?|sincerely,?|thanks,?|cheers,?|signed:?)"
    r"|^from:?)\s+"
    r"(?-i:((?:[A-Z][a-zà-ÿ]+[ -]?){1,4})(?<![ -]))",
    re.IGNORECASE,
)
_MONEY: Final = re.compile(
    r"(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|[$€£¥])\s?(?P<after>\d[\d,]*(?:\.\d+)?)"
    r"|(?P<before>\d[\d,]*(?:\.\d+)?)\s?(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|[$€£¥]|dollars|euros|pounds)"
)
_PRICES: Final = "total amount price cost sum fee value balance charge paid"
_PRICED: Final = frozenset(stem(word) for word in _PRICES.split())
_CURRENCY: Final = re.compile(r"\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR)\b|[$€£¥]")
_QUOTED: Final = re.compile(r"[\"“«]([^\"”»\n]{1,200})[\"”»]")
_SIGNS: Final = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}

_KINDS: Final = (
    ("email", {"email", "mail"}),
    ("url", {"url", "link", "websit", "uri"}),
    ("phon", {"phon", "telephon", "mobil", "fax"}),
    ("currency", {"currency"}),
    ("dat", {"dat", "day", "birthday", "deadlin", "du", "deliver_by"}),
    ("id", {"id", "number", "cod", "ref", "referenc", "sku", "invoic", "ticket", "order", "identifier"}),
    (
        "nam",
        {"nam", "person", "customer", "author", "sender", "contact", "company", "organization", "employee"},
    ),
    ("plac", {"city", "country", "location", "plac", "town", "destination", "origin", "region"}),
)


class Found(Struct, frozen=True):
    """A value and where in the text it begins."""

    value: str
    at: int


def kind_of(name: str, form: str = "") -> str:
    """What sort of text a field wants, by its name and JSON Schema format; empty when it does not show."""
    if form in ("email", "idn-email"):
        return "email"
    if form in ("uri", "url", "iri"):
        return "url"
    if form in ("date", "date-time"):
        return "dat"
    words = [stem(word) for word in re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())]
    for word in reversed(words):
        for kind, cues in _KINDS:
            if word in cues:
                return kind
    return ""


def _matches(
    pattern: re.Pattern[str], clean: Callable[[str], str] = str.strip
) -> Callable[[str], Iterator[Found]]:
    def find(text: str) -> Iterator[Found]:
        return (Found(clean(match[0]), match.start()) for match in pattern.finditer(text))

    return find


def _dates(text: str) -> Iterator[Found]:
    for match in _DATE.finditer(text):
        for form in "1234":
            year, month, day = (match.groupdict().get(part + form) for part in "ymd")
            if year and month and day:
                number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
                if 1 <= number <= 12 and 1 <= int(day) <= 31:
                    yield Found(f"{year}-{number:02d}-{int(day):02d}", match.start())


def _phones(text: str) -> Iterator[Found]:
    dates = {match.start() for match in _DATE.finditer(text)}
    return (Found(match[0], match.start()) for match in _PHONE.finditer(text) if match.start() not in dates)


def _prices(text: str) -> Iterator[Found]:
    for match in _MONEY.finditer(text):
        yield Found((match["after"] or match["before"]).replace(",", ""), match.start())


def _people(text: str) -> Iterator[Found]:
    """Names; only those that are introduced as such, if any are."""
    introduced = [Found(match[1], match.start(1)) for match in _INTRODUCED.finditer(text)]
    yield from introduced or _names(text)


def _names(text: str) -> Iterator[Found]:
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip()
        opens = not before or before[-1] in ".!?:" or text[match.start() - 1] == "\n"
        if not opens or " " in match[0]:
            yield Found(match[0], match.start())


_FINDERS: Final[dict[str, Callable[[str], Iterator[Found]]]] = {
    "email": _matches(_EMAIL),
    "url": _matches(_URL),
    "phon": _phones,
    "currency": _matches(_CURRENCY, lambda sign: _SIGNS.get(sign, sign)),
    "dat": _dates,
    "id": _matches(_ID),
    "nam": _people,
    "plac": _names,
}


def _nearest(found: list[Found], text: str, cues: list[str], used: set[str]) -> str | None:
    """The value closest after (or, less well, before) one of the cue words; unused ones first."""
    fresh = [item for item in found if item.value not in used] or found
    places = [match.start() for match in re.finditer(r"[^\W_]+", text) if stem(match[0]) in cues]

    def distance(item: Found) -> tuple[int, int]:
        gaps = [item.at - place if item.at >= place else 2 * (place - item.at) for place in places]
        return (min(gaps, default=0), item.at)

    return min(fresh, key=distance).value if fresh else None


def labelled(name: str, text: str) -> str | None:
    """What follows `name:` or `name =` at the start of a line, or in JSON."""
    words = r"[\s_-]*".join(re.escape(word) for word in re.findall(r"[A-Za-z]+|\d+", name))
    if not words:
        return None
    match = re.search(rf"(?im)(?:^|[,;{{(|])\s*[-*\"']*{words}[\"'*]*\s*[:=]\s*\"?([^\n|;\"]+)", text)
    return match[1].strip().rstrip(",}.") if match else None


def string(name: str, about: str, form: str, text: str, used: set[str]) -> str | None:
    """The text that a field *name* (described as *about*) has in *text*; `None` when it does not show."""
    kind = kind_of(name, form)
    said = labelled(name, text)
    if kind in _FINDERS:
        if said is not None and (kind in ("nam", "plac", "id") or any(True for _ in _FINDERS[kind](said))):
            inside = [] if kind in ("nam", "plac", "id") else list(_FINDERS[kind](said))
            return inside[0].value if inside else said
        return _nearest(list(_FINDERS[kind](text)), text, stems(name) + stems(about), used)
    if said is not None:
        return said
    if "sentiment" in name.lower():
        return best_label({"positive": "", "negative": "", "neutral": ""}, text)[0]
    if quoted := _QUOTED.search(text):
        return quoted[1]
    return None


def every(name: str, form: str, text: str) -> list[str]:
    """All texts of the sort that a field *name* wants, in order, each once."""
    finder = _FINDERS.get(kind_of(name, form))
    if finder is None:
        return []
    return list(dict.fromkeys(item.value for item in finder(text)))


def number(name: str, about: str, text: str, used: set[str]) -> float | None:
    """The number that a field *name* has in *text*; `None` when there is none."""
    said = labelled(name, text)
    if said is not None and (own := _NUMBER.search(said)):
        return float(own[0].replace(",", ""))
    if set(stems(name)) & _PRICED and (priced := _nearest(list(_prices(text)), text, stems(name), used)):
        used.add(priced)
        return float(priced)
    taken = [match.span() for pattern in (_DATE, _EMAIL, _ID, _PHONE) for match in pattern.finditer(text)]
    free = [
        Found(match[0].replace(",", ""), match.start())
        for match in _NUMBER.finditer(text)
        if not any(start <= match.start() < end for start, end in taken)
    ]
    value = _nearest(free, text, stems(name) + stems(about), used)
    if value is not None:
        used.add(value)
    return None if value is None else float(value)


_NEGATIONS: Final = frozenset({"not", "no", "never", "without", "none", "cannot"})


def truth(name: str, about: str, text: str) -> bool | None:
    """Whether *text* says that *name* is so; `None` when it does not speak of it."""
    said = labelled(name, text)
    if said is not None:
        return said.lower() in ("true", "yes", "y", "1")
    cues = set(stems(name)) or set(stems(about))
    for sentence in sentences(text):
        if cues & set(stems(sentence)):
            words = {word.lower() for word in re.findall(r"[A-Za-z]+(?:'t)?", sentence)}
            return not (words & _NEGATIONS or any(word.endswith("n't") for word in words))
    return None
