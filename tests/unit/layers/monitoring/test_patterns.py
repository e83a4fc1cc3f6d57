"""What is found in text: all of it, nothing else, and without costing much."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.layers.monitoring import patterns
from seawall.layers.monitoring.patterns import redact_text

BEGIN, END = "-----BEGIN {}" + "PRIVATE KEY-----", "-----END {}" + "PRIVATE KEY-----"

# Put together here so that no scanner of sources takes them for real ones.
SECRETS = {
    "[API_KEY]": [
        "sk-" + "proj-Ab3dEf6hIj9kLmNoPqRs",
        "sk-" + "ant-api03-aB3dEf6h_Ij9-kLm",
        "sw-" + "A1b2" * 10 + "xyz",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ASIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_" + "11ABCDEFG0abcdefghijkl_mnop",
        "xoxb-" + "123456789012-abcdefABCDEF",
        "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
        "hf_" + "aBcDeFgHiJkLmNoPqRs1",
        "gsk_" + "1aBcDeFgHiJkLmNoPqRsT",
        "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
        "glpat-" + "x1y2z3A4B5C6D7E8F9G0",
    ],
    "[TOKEN]": ["eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r"],
    "[PRIVATE_KEY]": [
        BEGIN.format("RSA ") + "\nProc-Type: 4,ENCRYPTED\nMIIE+/=\n" + END.format("RSA "),
        BEGIN.format("") + "\\nMIIE\\n" + END.format(""),
    ],
    "[EMAIL]": ["ada@example.org", "Ada.Lovelace+x@mail.example.co.uk", "é@bücher.example"],
    "[CARD]": [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555\u00a05555\u00a05555\u00a04444",
        "378282246310005",
        "3782 822463 10005",
        "6011000990139424",
    ],
    "[IBAN]": [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "FR1420041010050500013M02606",
        "NO93 8601 1117 947",
    ],
    "[SSN]": ["078-05-1120", "600-12-1234"],
}
ALL = [(word, secret) for word, secrets in SECRETS.items() for secret in secrets]


@pytest.mark.parametrize(("word", "secret"), ALL)
@pytest.mark.parametrize(
    "around", ["{}", "it is {}, you know", "({})", "a\n{}\nb", '{{"x": "{}"}}', "x={}; y"]
)
def test_what_must_not_be_kept_is_replaced_by_what_it_was(word: str, secret: str, around: str) -> None:
    assert redact_text(around.format(secret)) == around.format(word)


def test_several_in_one_text_are_all_found() -> None:
    text = " and ".join(secret for _, secret in ALL)
    assert redact_text(text).split(" and ") == [word for word, _ in ALL]


def test_of_a_private_key_that_was_cut_off_nothing_is_left() -> None:
    assert redact_text("here: " + BEGIN.format("OPENSSH ") + "\nb3BlbnNzaC1r") == "here: [PRIVATE_KEY]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A plain sentence, with numbers: 42, 1.5, 2026-11-21T10:00:00Z.",
        "task-management-of-some-long-words sk-learn-is-a-well-known-library",
        "snake_case_names_of_any_length_are_fine hf_but_no_key",
        "1234567890123 4111111111111112 1790000000000000",  # wrong checksums, wrong first digits
        "0.4111111111111111",  # a fraction
        "41111111111111110000",  # too long for a card
        "GB82 WEST 1234 5698 7654 33 XX00 0000 0000 0000",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 1078-05-11201",
        "user@localhost @mention a @ b",
        "bearer of bad news; Bearer authentication-is-described-there",
        "eyJust kidding",
        "data:text/plain;base64,aGk=",  # too short to matter
        "🚚 東京 naïve",
    ],
)
def test_what_only_looks_like_it_is_left_as_the_same_object(text: str) -> None:
    assert redact_text(text) is text


def test_a_card_is_found_behind_other_numbers() -> None:
    assert redact_text("12 4111 1111 1111 1111") == "12 [CARD]"
    assert redact_text("1234 4111 1111 1111 1111 99") == "1234 [CARD] 99"


def test_a_bearer_token_goes_and_its_scheme_stays() -> None:
    token = "abc.def-" + "0123456789ABC"
    assert redact_text(f"Authorization: Bearer {token}") == "Authorization: Bearer [TOKEN]"
    assert redact_text(f"authorization: bearer {token}\n") == "authorization: bearer [TOKEN]\n"


def test_media_in_text_is_replaced_by_a_digest_that_tells_whether_it_is_the_same() -> None:
    one, other = ("data:image/png;base64," + letter * 60 for letter in "AB")
    first, again, different = (
        redact_text(f"![]({one})"),
        redact_text(f"![]({one})"),
        redact_text(f"![]({other})"),
    )
    assert first.startswith("![]([MEDIA image/png sha256:")
    assert first.endswith(" 60 characters])")
    assert first == again != different


# --- the look-ups that save time never hide anything

PIECES = st.lists(
    st.one_of(
        st.sampled_from([secret for _, secret in ALL]),
        st.sampled_from(
            ["Bearer " + "a1" * 10, "data:a/b;base64," + "QUJD" * 20, "user", " ", "-", "_", "\n", "🚚"]
        ),
        st.text(max_size=12),
    ),
    max_size=6,
)


@given(PIECES.map("".join))
@example("AIza" + "a" * 35)
@example("a_" + "sk_live_" + "a1" * 9)
def test_the_quick_look_finds_whatever_the_full_search_would(text: str) -> None:
    everything = (
        "A0-_@;,." + "AA00" + "AAAAAAAAAAA" + "AA" + "00" + "0" * 13 + "000-00-0000" + ";00," + "-----A"
    )

    quick = redact_text(text)
    full = patterns._redact_secrets(text, everything)
    full = patterns._redact_numbers(full, everything)
    full = patterns._redact_emails(full)
    assert quick == full


@given(PIECES.map(" ".join))
def test_what_was_redacted_once_has_nothing_left_to_redact(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


# --- hostile text costs time in proportion to its length

HOSTILE: dict[str, Callable[[int], str]] = {
    "letters": lambda n: "a" * n,
    "at": lambda n: "@" * n,
    "a@": lambda n: "a@" * (n // 2),
    "addresses": lambda n: "a@a.aa" * (n // 6),
    "domains": lambda n: "a@" + "a." * (n // 2),
    "sk-": lambda n: "sk-" * (n // 3),
    "keys of words": lambda n: " sk-aaaaaaaaaaaaaa" * (n // 18),
    "eyJ": lambda n: "eyJ" * (n // 3),
    "tokens": lambda n: "eyJaaaaaaa." * (n // 11),
    "digits": lambda n: "4" * n,
    "digits apart": lambda n: "1 " * (n // 2),
    "groups": lambda n: "4111 " * (n // 5),
    "numbers": lambda n: "4111111111111112 " * (n // 17),
    "banks": lambda n: "GB82 " * (n // 5),
    "accounts": lambda n: "GB82 WEST 1234 5698 7654 33 " * (n // 28),
    "begin": lambda n: ("-----BEGIN RSA " + "PRIVATE KEY-----") * (n // 31),
    "dashes": lambda n: "-" * n,
    "data": lambda n: "data:a/a;base64," * (n // 16),
    "parameters": lambda n: "data:a/a" + ";a=a" * (n // 4),
    "bearers": lambda n: "Bearer " * (n // 7),
    "ssn": lambda n: "123-45-" * (n // 7),
    "underscores": lambda n: "gh_1" * (n // 4),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_time_in_proportion_to_its_length(name: str) -> None:
    def cost(size: int) -> float:
        text = HOSTILE[name](size)
        started = time.process_time()
        redact_text(text)
        return time.process_time() - started

    # A quadratic search of so many characters would take many seconds; a linear one takes some 20 ms.
    assert min(cost(300_000) for _ in range(2)) < 0.5
