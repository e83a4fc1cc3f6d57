import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.heads import DateLine, HeaderForm, header_lines, status_line
from seawall.testing import FakeClock


@given(st.text())
def test_no_value_can_end_its_line(value: str):
    lines = header_lines(("x-a", value), ("x-b", "1"))
    assert lines.startswith(b"x-a: ")
    assert lines.endswith(b"\r\nx-b: 1\r\n")
    assert lines.count(b"\n") == lines.count(b"\r") == 2
    assert all(0x20 <= byte < 0x7F for byte in lines.replace(b"\r\n", b""))


def test_a_plain_value_is_sent_as_it_is():
    assert header_lines(("x-a", "gpt-4.1 mini; q=1")) == b"x-a: gpt-4.1 mini; q=1\r\n"
    assert HeaderForm("a", "b").fill("100%s", "") == b"a: 100%s\r\nb: \r\n"


def test_a_form_takes_one_value_for_each_name():
    for values in ((), ("1",), ("1", "2", "3")):
        with pytest.raises(TypeError):
            HeaderForm("a", "b").fill(*values)


def test_a_status_line_has_its_reason_if_it_has_one():
    assert status_line(200) == b"HTTP/1.1 200 OK\r\n"
    assert status_line(429) == b"HTTP/1.1 429 Too Many Requests\r\n"
    assert status_line(418) == b"HTTP/1.1 418 \r\n"


def test_the_date_follows_the_clock_by_the_second():
    clock = FakeClock(wall=1_790_000_000.0)
    date = DateLine(clock)
    assert date() == b"date: Mon, 21 Sep 2026 14:13:20 GMT\r\n"
    clock.advance(0.9)
    assert date() is date()
    clock.advance(0.2)
    assert date() == b"date: Mon, 21 Sep 2026 14:13:21 GMT\r\n"
