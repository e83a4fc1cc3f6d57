"""A body that could be read in two ways is not read at all."""

import json
import time
from typing import Any

import pytest

from seawall.core.errors import InvalidRequest
from seawall.wire.openai_chat import decode_request
from seawall.wire.openai_chat.strict import MOST_DEPTH

MESSAGES = '"messages":[{"role":"user","content":"hi"}]'


def refused(body: bytes | str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        decode_request(body.encode() if isinstance(body, str) else body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"model":"a","model":"b",%s}', "model"),
        ('{"model":"a",%s,"messages":[]}', "messages"),
        ('{"model":"a",%s,"temperature":1,"temperature":1}', "temperature"),
        ('{"model":"a",%s,"mode\\u006c":"b"}', "model"),
        ('{"model":"a",%s,"top_k":1,"top_k":2}', "top_k"),
        ('{"model":"a",%s,"top_k":{"x":1,"x":2}}', "x"),
        ('{"model":"a",%s,"metadata":{"a":"1","a":"2"}}', "a"),
        (
            '{"model":"a",%s,"tools":[{"type":"function","function":{"name":"f","parameters":{"x":1,"x":2}}}]}',
            "x",
        ),
        ('{"model":"a",%s,"stream_options":{"include_usage":true,"include_usage":false}}', "include_usage"),
        # a quotation mark in disguise does not make up for a key that was lost
        ('{"model":"a",%s,"user":"","user":"\\u0022\\u0022\\u0022\\u0022"}', "user"),
        ('{"model":"a",%s,"x":"","x":"\\u0022\\u0022\\u0022\\u0022"}', "x"),
        ('{"model":"\\u0022\\u0022\\u0022\\u0022","model":"b",%s}', "model"),
        ('{"a":"\\u0022\\u0022\\u0022\\u0022","a":"b","model":"x",%s}', "a"),
        ('{"model":"a","messages":[{"role":"user","content":"x","content":"y"}]}', "content"),
        ('{"model":"a","messages":[{"role":"user","role":"system","content":"x"}]}', "role"),
        (
            '{"model":"a","messages":[{"role":"user","content":[{"type":"text","text":"x","text":"y"}]}]}',
            "text",
        ),
    ],
)
def test_a_key_that_occurs_twice_is_refused_wherever_it_is(body: str, key: str) -> None:
    error = refused(body.replace("%s", MESSAGES))
    assert f"{key!r} occurs twice" in error.message


def test_the_same_key_in_two_objects_is_no_duplicate() -> None:
    body = {
        "model": "a",
        "messages": [{"role": "user", "content": "x"}] * 3,
        "seed": None,
        "x": [{"a": 1}] * 2,
    }
    assert decode_request(json.dumps(body).encode()).extras == {"x": [{"a": 1}] * 2}


def test_quotation_marks_in_text_confuse_nothing() -> None:
    for text in ('"', '\\"', '"model":', "\\u0022", "a\\", '{"a":1,"a":2}'):
        body = json.dumps({"model": "a", "messages": [{"role": "user", "content": text}]}).encode()
        assert decode_request(body).messages[0].text == text
    escaped = '{"model":"a","messages":[{"role":"user","content":"\\u0022x\\u0022"}]}'
    assert decode_request(escaped.encode()).messages[0].text == '"x"'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("NaN", "not valid JSON"),
        ("Infinity", "not valid JSON"),
        ("-Infinity", "not valid JSON"),
        ("1e400", "temperature: number out of range"),
        ("9" * 5000, "temperature: "),
        ('"1"', "temperature is '1': expected 'float"),
        ("true", "temperature is True: expected 'float"),
    ],
)
def test_odd_numbers_are_refused(value: str, said: str) -> None:
    assert said in refused(f'{{"model":"a",{MESSAGES},"temperature":{value}}}').message


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e400", "9" * 5000, '"\\ud800"', '"\\udc00x"'])
def test_odd_values_are_refused_in_unknown_fields_too(value: str) -> None:
    refused(f'{{"model":"a",{MESSAGES},"extra":{value}}}')


def test_negative_zero_and_large_integers_are_numbers() -> None:
    request = decode_request(f'{{"model":"a",{MESSAGES},"temperature":-0,"x":99999999999999999999}}'.encode())
    assert request.sampling.temperature == 0
    assert request.extras == {"x": 99999999999999999999}


@pytest.mark.parametrize(
    "text",
    [b"\\ud800", b"\\ud800\\u0041", b"\\udc00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"a\nb", b"\x00"],
)
def test_broken_text_is_refused(text: bytes) -> None:
    refused(b'{"model":"a","messages":[{"role":"user","content":"%b"}]}' % text)
    refused(b'{"model":"a","messages":[{"role":"user","content":"x"}],"extra":"%b"}' % text)


def test_an_escaped_nul_is_text() -> None:
    body = b'{"model":"a","messages":[{"role":"user","content":"a\\u0000b"}]}'
    assert decode_request(body).messages[0].text == "a\0b"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"x"', b"7", b"{}x", b"\xef\xbb\xbf{}", b"{,}"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    refused(body)


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize(
    "pair",
    [('{"a":', "}"), ("[", "]"), ('[{"a":', "}]"), ('{"}":', "}"), ('{"\\"{":', "}"), ('{"\\\\":', "}")],
)
@pytest.mark.parametrize("place", ["extra", "tool"])
def test_nesting_is_refused_above_64_and_not_below(pair: tuple[str, str], place: str) -> None:
    levels = len([char for char in pair[1] if char in "}]"])
    spare = MOST_DEPTH - (1 if place == "extra" else 5)  # what is around it
    template = {
        "extra": f'{{"model":"a",{MESSAGES},"extra":%s}}',
        "tool": f'{{"model":"a",{MESSAGES},"tools":[{{"type":"function","function":{{"name":"f","parameters":'
        '{"x":%s}}}]}',
    }[place]
    assert decode_request((template % nested(spare // levels, *pair)).encode())
    error = refused(template % nested(spare // levels + 1, *pair))
    assert "deeper than 64" in error.message


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"model":[', '{"messages":['])
def test_a_hundred_thousand_levels_are_refused_at_once(opening: str) -> None:
    for body in (opening * 100_000, f'{{"model":"a",{MESSAGES},"x":' + opening * 100_000):
        started = time.perf_counter()
        refused(body)
        assert time.perf_counter() - started < 0.5  # in fact a few milliseconds; the machine may be busy


@pytest.mark.parametrize(
    ("change", "param", "said"),
    [
        ({"model": ""}, "model", "''"),
        ({"model": 5}, "model", "5"),
        ({"model": None}, "model", "None"),
        ({"messages": []}, "messages", "an array of 0"),
        ({"messages": "hi"}, "messages", "'hi'"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing field"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "'robot'"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].role", "'tools'"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing field"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "5"),
        (
            {"messages": [{"role": "user", "content": "x", "tool_calls": []}]},
            "messages[0].tool_calls",
            "unknown",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "video_url"}]}]},
            "messages[0].content[0].type",
            "'video_url'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]},
            "messages[0].content[0].cache_control",
            "unknown field",
        ),
        ({"n": 0}, "n", "0"),
        ({"max_tokens": -1}, "max_tokens", "-1"),
        ({"max_completion_tokens": 0}, "max_completion_tokens", "0"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_completion_tokens", "1"),
        ({"top_logprobs": -1}, "top_logprobs", "-1"),
        ({"tool_choice": "any"}, "tool_choice", "'any'"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "f"}}}, "tool_choice", "'f'"),
        ({"response_format": {"type": "grammar"}}, "response_format.type", "'grammar'"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing field"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "'web_search'"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "1"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation", "True"),
        ({"logit_bias": {"1": "x"}}, "logit_bias", "'float'"),
        ({"functions": []}, "functions", "'tools'"),
        ({"function_call": "auto"}, "function_call", "'tools'"),
        ({"stop": [1]}, "stop[0]", "1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_value(
    change: dict[str, Any], param: str, said: str
) -> None:
    body = {"model": "a", "messages": [{"role": "user", "content": "x"}]} | change
    error = refused(json.dumps(body))
    assert error.param == param
    assert said in error.message
    assert error.status == 400


def test_a_wrong_value_is_shown_only_in_part() -> None:
    error = refused(json.dumps({"model": "a", "messages": [{"role": "x" * 5000, "content": ""}]}))
    assert len(error.message) < 300
