"""One clean view of text, for the model and for every guard alike.

Text is brought to Unicode NFC, and characters that a reader cannot see but a model can are taken out:
tag characters, zero-width characters, bidirectional controls, runs of variation selectors, control
characters. What real scripts need stays: joiners inside Arabic, Indic and emoji sequences, one variation
selector after its base, the tags of a flag, right-to-left marks. Compatibility forms (NFKC) are not
applied here: they change meaning (x² is not x2) and belong to a detector's private copy.
"""

import re
import unicodedata

_CONTROLS = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in b"\t\n\r")

# All that is judged, as one class: it is searched some twenty times faster than the classes one by one, and
# most text has none of it. That the unassigned between tags and selectors is in it costs nothing but time.
_ANY = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u180e\u200b-\u200d\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef"
)
_SUSPECT = re.compile(f"[{_ANY}]")

# Each alternative is one class of the unseen; the group's name is the word in the record.
_UNSEEN = re.compile(
    f"(?=[{_ANY}\U0001f3f4])(?:"  # without this glance ahead it takes three times as long
    "(?P<flag>\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f)"
    "|(?P<tags>[\U000e0000-\U000e007f]+)"
    "|(?P<selectors>[\ufe00-\ufe0f\U000e0100-\U000e01ef]+)"
    "|(?P<bidi>[\u202a-\u202e\u2066-\u2069]+)"
    "|(?P<joiners>[\u200c\u200d]+)"
    "|(?P<zero_width>[\u200b\u2060-\u2064\ufeff\u180e\u00ad\u034f\u115f\u1160\u3164\uffa0]+)"
    "|(?P<controls>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+))"
)


def normalise(text: str) -> tuple[str, dict[str, int]]:
    """The clean view of *text*, and how many characters of which class were taken out.

    Text that is clean already comes back as the same object with an empty dict.
    """
    if text.isascii():
        raw = text.encode()
        if len(raw.translate(None, _CONTROLS)) == len(raw):
            return text, {}
    clean, removed = _taken_out(text) if _SUSPECT.search(text) else (text, {})
    if not unicodedata.is_normalized("NFC", clean):
        clean = unicodedata.normalize("NFC", clean)
        removed["nfc"] = 1
    return (clean, removed) if removed else (text, {})


def _taken_out(text: str) -> tuple[str, dict[str, int]]:
    """*text* without what is unseen and not needed, and how many characters of which class that was."""
    removed: dict[str, int] = {}

    def judge(found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        run = found.group()
        keep = _kept(kind, run, text, found.start(), found.end())
        if len(keep) != len(run):
            removed[kind] = removed.get(kind, 0) + len(run) - len(keep)
        return keep

    return _UNSEEN.sub(judge, text), removed


def _kept(kind: str, run: str, text: str, start: int, end: int) -> str:
    """What of a run of unseen characters is needed by the writing around it."""
    if kind == "flag":
        return run
    before = text[start - 1] if start else ""
    if kind == "selectors":
        # One selector after a visible base is typography; a run of them is a hidden message.
        return run[0] if "\ufe00" <= run[0] <= "\ufe0f" and before and not before.isspace() else ""
    if kind == "joiners":
        after = text[end] if end < len(text) else ""
        return run[0] if _joins(before) and _joins(after) else ""
    return ""


def _joins(char: str) -> bool:
    """Whether *char* belongs to a writing in which joiners carry meaning."""
    if not char or char.isascii():
        return False
    return unicodedata.category(char) in {"So", "Sk", "Lo", "Mn", "Mc"}
