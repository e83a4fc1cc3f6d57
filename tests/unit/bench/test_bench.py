"""The benchmark's own logic: what is asked of the provider, what is read, and how figures are formed."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCH = Path(__file__).parents[3] / "bench"


def load(name: str) -> Any:
    """A module of the benchmark, whose scripts find each other by their folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        return importlib.import_module(name)


upstream, generator, figures = load("upstream"), load("load"), load("figures")


@pytest.mark.parametrize(
    ("model", "delay", "chunks", "gap", "status"),
    [
        (b"mock", 0.0, 20, 0.0, 200),
        (b"mock-d20", 0.02, 20, 0.0, 200),
        (b"mock-s50x20", 0.0, 50, 0.02, 200),
        (b"mock-d5-s3x1", 0.005, 3, 0.001, 200),
        (b"mock-e429", 0.0, 20, 0.0, 429),
        (b"mock-e200-dx-s5", 0.0, 20, 0.0, 200),
        (b"d20", 0.0, 20, 0.0, 200),
    ],
)
def test_a_models_name_says_how_the_provider_behaves(
    model: bytes, delay: float, chunks: int, gap: float, status: int
) -> None:
    assert upstream.behaviour(model) == (delay, chunks, gap, status)


@given(st.integers(1000, 2**63 - 1), st.integers(1000, 2**63 - 1))
def test_stamps_are_read_back_from_the_middle_of_a_text(one: int, other: int) -> None:
    text = b'{"content":"a ~ b %b and %b."}' % (upstream.stamp(one), upstream.stamp(other))
    assert upstream.stamps(text) == [one, other]


def test_a_stamp_holds_no_digit_that_a_redactor_could_take_for_a_number() -> None:
    assert not any(byte in b"0123456789" for byte in upstream.stamp(1_234_567_890_123_456))


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
)
def test_a_message_is_whole_exactly_when_its_last_byte_is_there(message: bytes) -> None:
    whole = [upstream.is_whole(message[:end]) for end in range(len(message) + 1)]
    assert whole == [False] * len(message) + [True]


def test_the_length_in_a_body_is_not_taken_for_the_header() -> None:
    assert not upstream.is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n\r\ncontent-length: 1\r\n")


def test_a_request_has_the_prompt_size_and_the_length_that_it_says() -> None:
    job = generator.Job("closed", "http://127.0.0.1:9/v1/chat/completions", "sk", "mock-d0", 1, 1.0, 0, 8000)
    assert upstream.is_whole(job.request())
    head, _, body = job.request().partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:9\r\n")
    said = json.loads(body)
    assert len(said["messages"][1]["content"]) == 8000
    assert "stream" not in said


def test_only_streams_ask_for_a_stream() -> None:
    job = generator.Job("streams", "http://127.0.0.1:9/v1/chat/completions", "sk", "mock-s5x1", 1, 1.0)
    assert json.loads(job.request().partition(b"\r\n\r\n")[2])["stream"] is True


def streamed(pieces: int) -> bytes:
    frames = [b"data: %b\n\n" % upstream.stamp(10**15 + number) for number in range(pieces)]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked + b"0\r\n\r\n"


@given(st.integers(1, 6), st.lists(st.integers(12, 300), max_size=8))
def test_each_piece_of_a_stream_is_counted_once_however_the_bytes_are_cut(
    pieces: int, cuts: list[int]
) -> None:
    load = generator.Streams(generator.Job("streams", "http://127.0.0.1:9/", "sk", "mock", 1, 1.0))
    connection = load.connect()
    connection.asking, load.under_way = True, 1
    answer, edges = streamed(pieces), sorted({0, *cuts})
    for start, end in zip(edges, [*edges[1:], 10_000], strict=True):
        if answer[start:end]:
            connection.data_received(answer[start:end])
    assert (len(load.lags), len(load.latencies), load.answered_ok, load.failed) == (pieces, 1, 1, 0)
    assert load.over.is_set()


def test_a_refused_stream_counts_as_failed() -> None:
    load = generator.Streams(generator.Job("streams", "http://127.0.0.1:9/", "sk", "mock", 1, 1.0))
    connection = load.connect()
    load.under_way = 1
    for piece in (b"HTTP/1.1 503 Busy\r\ncontent-", b"length: 2\r\n\r\n", b"{}"):
        connection.data_received(piece)
    assert (load.answered_ok, load.failed) == (0, 1)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert generator.percentile(values, 0.5) == 50
    assert generator.percentile(values, 0.99) == 99
    assert generator.percentile([7.0], 0.99) == 7
    assert generator.percentile([], 0.5) is None


def test_a_ratio_compares_within_the_round_so_that_a_slow_moment_hits_both() -> None:
    assert figures.ratio([20.0, 200.0, 30.0], [10.0, 100.0, 10.0]) == 2


def test_a_round_without_a_figure_is_left_out_of_the_ratio() -> None:
    assert figures.ratio([None, 30.0], [10.0, 10.0]) == 3
    assert figures.ratio([None], [10.0]) is None


def test_cpu_is_shared_out_over_what_was_answered() -> None:
    measured = {"ok": 50, "chunks": 1000, "cpu": 0.01}
    assert figures.cpu_each(measured) == pytest.approx(200)
    assert figures.cpu_each(measured, "chunks") == pytest.approx(10)
    assert figures.cpu_each({"ok": 0, "cpu": 0.01}) is None
    assert figures.cpu_each({"ok": 5, "cpu": None}) is None


def test_added_latency_is_what_the_direct_way_does_not_take() -> None:
    assert figures.added({"latency_p50": 900.0}, {"latency_p50": 400.0}, "latency_p50") == 0.5
    assert figures.added({"latency_p50": None}, {"latency_p50": 400.0}, "latency_p50") is None


def test_a_spread_shows_the_median_between_the_least_and_the_most() -> None:
    assert figures.show_spread([3.0, None, 1000.0, 2.0]) == "3 (2–1,000)"
    assert figures.show_spread([None]) == figures.NONE


def test_the_report_gives_ratios_to_the_reference_and_counts_failures() -> None:
    case = figures.Case("c", "A case", "closed", "mock-d0", 1)
    figures_of = {"per_second": 10.0, "latency_p50": 1000.0, "latency_p99": 2000.0, "busy": 1.0}
    rounds = {
        "c": {
            "direct": [
                {
                    "ok": 10,
                    "failed": 0,
                    "cpu": None,
                    "cpu_later": None,
                    "foreign": 0.0,
                    **figures_of,
                    "busy": None,
                }
            ],
            "relay": [{"ok": 10, "failed": 0, "cpu": 0.001, "cpu_later": 0.0, "foreign": 0.5, **figures_of}],
            "ours": [
                {"ok": 10, "failed": 2, "cpu": 0.003, "cpu_later": 0.001, "foreign": 0.25, **figures_of}
            ],
        }
    }
    rest = {"relay": figures.AtRest(0.1, 10.0, 0.0), "ours": figures.AtRest(0.5, 40.0, 1.5)}
    told = figures.report([case], rounds, rest, reference="relay", direct="direct")
    row = next(line for line in told.splitlines() if line.startswith("| ours | 300"))
    assert "3.00x | 100 |" in row
    assert "2 of 12" in row
    assert "most 50%" in told
