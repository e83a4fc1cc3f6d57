"""Whatever a provider sends as an error, what comes of it is safe."""

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.errors import ProviderError
from seawall.wire.errors import clean, openai_body, provider_error, retry_after

header_values = st.binary(max_size=40) | st.sampled_from(
    [
        b"1e9",
        b"-1",
        b"nan",
        b"Wed, 21 Oct 2026 07:28:00 GMT",
        b"Mon, 01 Jan 0001 00:00:00 +2359",
        b"1 Jan",
        b"0,0",
    ]
)


@given(header_values, header_values, header_values)
@settings(max_examples=120, deadline=None)
def test_no_retry_after_makes_us_wait_for_less_than_nothing_or_more_than_a_day(
    value: bytes, milliseconds: bytes, date: bytes
) -> None:
    for headers in (
        {b"retry-after": value},
        {b"retry-after": value, b"date": date},
        {b"retry-after": value, b"retry-after-ms": milliseconds},
    ):
        seconds = retry_after(headers)
        assert seconds is None or 0 <= seconds <= 86_400


@given(st.integers(100, 699).filter(lambda status: not 200 <= status < 300), st.binary(max_size=100))
@settings(max_examples=80, deadline=None)
def test_every_status_and_body_has_a_known_kind(status: int, body: bytes) -> None:
    error = provider_error(status, {b"x-request-id": body}, body)
    assert error.code in ProviderError.KINDS
    assert error.status >= 400
    assert openai_body(error)


@given(st.text(max_size=3000))
@settings(max_examples=80, deadline=None)
def test_cleaned_text_is_one_short_line_that_can_be_shown(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= 500
    assert not any(ord(char) < 32 or ord(char) == 127 for char in cleaned)
