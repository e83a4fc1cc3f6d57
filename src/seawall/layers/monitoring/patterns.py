"""What must not be kept, found in text: secrets, and what identifies or charges a person.

Clean text has to cost next to nothing, since every call passes here. So one pass reduces the text to its
shape: what prose is made of goes, each digit becomes `0` and each capital `A`. In that short remainder a
few look-ups say which searches could find anything at all. Each of these takes time in proportion to the
text whatever the text is: runs are matched possessively and only from their beginning. A pattern begins
with a character and looks back after it, because only then the search may skip.
"""

import hashlib
import re
from collections.abc import Callable

_DROPPED = bytes((*b"abcdefghijklmnopqrstuvwxyz .\n", *range(128, 256)))
_SHAPES = bytes(
    ord("0") if 48 <= byte <= 57 else ord("A") if 65 <= byte <= 90 else byte if byte in b"-_@;," else ord(".")
    for byte in range(256)
)
_MOST_TRIES = 2_000
"""Wrong checksums in one text after which the rest is not worth computing, and whatever looks right goes."""

_DATA_URL = re.compile(
    r"data:([\w.+-]{1,80}/[\w.+-]{1,80})?(?:;[\w.+-]{1,80}=[\w.+-]{1,80}){0,4};base64,([A-Za-z0-9+/=_%-]{40,}+)"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*+"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_HYPHEN_KEY = re.compile(r"(?<![A-Za-z0-9])(?:sk|sw|xai|glpat|pplx|xox[a-z])-[A-Za-z0-9_-]{12,}+")
_HYPHEN_KEY_MAYBE = re.compile(r"-[A-Za-z0-9_-]{12}")
_UNDERSCORE_KEY_MAYBE = re.compile(r"_[A-Za-z0-9_]{16}")
_UNDERSCORE_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[a-z]|github_pat|hf|gsk|npm|[sr]k_live|[sr]k_test|whsec)_[A-Za-z0-9_]{16,}+"
)
_CLOUD_KEY = re.compile(
    r"A(?<![A-Za-z0-9].)(?:[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])|Iza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-]))"
)
_JWT = re.compile(
    r"J(?<=eyJ)(?<![A-Za-z0-9_-]eyJ)[A-Za-z0-9_-]{6,}+\.[A-Za-z0-9_-]{6,}+(?:\.[A-Za-z0-9_-]++)?"
)
_BEARER = re.compile(r"(?<![A-Za-z])([Bb]earer[ \t]{1,4})([A-Za-z0-9._~+/=-]{16,}+)")
_DOMAIN = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LOCAL = re.compile(r"(?<![\w.%+-])[\w.%+-]++\Z")
_LONGEST_LOCAL = 256
"""Characters before the sign that are looked at; four times what an address may have."""
_CARD = re.compile(
    r"[2-6](?<![0-9].)(?<![0-9]\..)(?:[0-9]{12,18}"
    r"|[0-9]{3}([ .\u00a0-])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
    r"|(?<=3)[0-9]{3}([ .\u00a0-])[0-9]{6}\2[0-9]{5})(?![0-9])"
)
_IBAN = re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z][0-9]{2}(?: ?[A-Z0-9]){11,30}")
_SSN = re.compile(
    r"[0-8](?<![0-9-].)(?<!0(?=00))(?<!6(?=66))[0-9]{2}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9-])"
)
_CARD_SHAPE = "0" * 13
_IBAN_SHAPE = re.compile(r"AA00[A0]{11}")

_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {
    country: length for length, countries in _IBAN_COUNTRIES.items() for country in countries.split()
}
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_BASE_36 = str.maketrans({chr(55 + value): str(value) for value in range(10, 36)})


def redact_text(text: str) -> str:
    """*text* with a word in brackets for all that must not be kept; *text* itself when there is nothing."""
    shape = text.encode("utf-8", "replace").translate(_SHAPES, _DROPPED).decode()
    if not shape:
        return text
    # Dropping brings together what belongs together, and more: never less than the searches would find.
    text = _redact_secrets(text, shape)
    if "00" in shape:
        text = _redact_numbers(text, shape)
    if "@" in shape:
        text = _redact_emails(text)
    return text


def _redact_emails(text: str) -> str:
    # From the sign outwards: searching for what may stand before it would visit every word of the text.
    kept: list[str] = []
    done = at = 0
    while (domain := _DOMAIN.search(text, at)) is not None:
        sign = domain.start()
        local = _LOCAL.search(text[max(done, sign - _LONGEST_LOCAL) : sign])
        at = sign + 1
        if local is not None:
            kept += text[done : sign - len(local.group())], "[EMAIL]"
            done = at = domain.end()
    return "".join((*kept, text[done:])) if kept else text


def _redact_secrets(text: str, shape: str) -> str:
    if ";00," in shape:
        text = _DATA_URL.sub(_data_url, text)
    if "-----A" in shape:
        text = _PRIVATE_KEY.sub("[PRIVATE_KEY]", text)
    if "-" in shape and "0" in shape and _HYPHEN_KEY_MAYBE.search(text):
        text = _HYPHEN_KEY.sub(_key, text)
    if "_" in shape and _UNDERSCORE_KEY_MAYBE.search(text):
        text = _UNDERSCORE_KEY.sub(_key, text)
    if "AA" in shape:
        text = _CLOUD_KEY.sub("[API_KEY]", text)
    if "A" in shape and _JWT.search(text):
        text = _JWT.sub("[TOKEN]", text).replace("ey[TOKEN]", "[TOKEN]")
    if "0" in shape and "earer" in text:
        text = _BEARER.sub(_bearer, text)
    return text


def _redact_numbers(text: str, shape: str) -> str:
    if "AA00" in shape and _IBAN_SHAPE.search(shape):
        text = _sub_valid(_IBAN, _iban_end, "[IBAN]", text)
    if _CARD_SHAPE in shape.replace("-", ""):
        text = _sub_valid(_CARD, _card_end, "[CARD]", text)
    if "000-00-0000" in shape:
        text = _SSN.sub("[SSN]", text)
    return text


def _sub_valid(pattern: re.Pattern[str], end_of: Callable[[re.Match[str]], int], word: str, text: str) -> str:
    """Like `sub`, where the checksum is right; where it is not, the next try begins inside the match."""
    kept: list[str] = []
    done = at = tries = 0
    while (match := pattern.search(text, at)) is not None:
        end = end_of(match)
        if end < 0:
            at = match.start() + 4
            tries += 1
            if tries == _MOST_TRIES:
                return "".join((*kept, text[done:at], pattern.sub(word, text[at:])))
            continue
        kept += text[done : match.start()], word
        done = at = end
    return "".join((*kept, text[done:])) if kept else text


def _card_end(match: re.Match[str]) -> int:
    text = match.group()
    separator = match.group(1) or match.group(2)
    digits = (text.replace(separator, "") if separator else text).encode()
    singles = digits[-1::-2]
    total = sum(singles) - 48 * len(singles) + sum(digits[-2::-2].translate(_DOUBLED))
    return match.end() if total % 10 == 0 and len(digits) >= 13 else -1


def _iban_end(match: re.Match[str]) -> int:
    text = match.group()
    length = _IBAN_LENGTHS.get(text[:2], 99)
    compact = text.replace(" ", "")
    if len(compact) < length:
        return -1
    number = compact[:length]
    if int((number[4:] + number[:4]).translate(_BASE_36)) % 97 != 1:
        return -1
    end = match.start() + length
    while len(match.string[match.start() : end].replace(" ", "")) < length:
        end += 1
    return -1 if match.string[end : end + 1].isalnum() else end


def _key(match: re.Match[str]) -> str:
    # Words joined by hyphens look the same until the first digit, which no random key is without.
    key = match.group()
    return "[API_KEY]" if any(map(str.isdecimal, key)) else key


def _bearer(match: re.Match[str]) -> str:
    scheme, token = match.groups()
    return scheme + ("[TOKEN]" if any(map(str.isdecimal, token)) else token)


def _data_url(match: re.Match[str]) -> str:
    return describe_media(match.group(1) or "text/plain", match.group(2))


def describe_media(media_type: str, data: str) -> str:
    """What is kept of *data* in base64: enough to tell whether two are the same."""
    digest = hashlib.sha256(data.encode("utf-8", "replace")).hexdigest()
    return f"[MEDIA {media_type or 'unknown'} sha256:{digest} {len(data)} characters]"
