"""Token counts: right, or unknown."""

from typing import Any

import pytest

from seawall.core.events import Usage
from seawall.wire.openai_chat.usage import decode_usage, encode_usage


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, Usage(3, 2)),
        (
            {
                "prompt_tokens": 30,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 10, "audio_tokens": 1, "cache_write_tokens": 4},
                "completion_tokens_details": {
                    "reasoning_tokens": 5,
                    "audio_tokens": 2,
                    "accepted_prediction_tokens": 3,
                    "rejected_prediction_tokens": 4,
                },
            },
            Usage(30, 20, 10, 4, 5, 1, 2, 3, 4),
        ),
        ({"prompt_tokens": 3, "completion_tokens": 2, "prompt_cache_hit_tokens": 1}, Usage(3, 2, 1)),
        (
            {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": None},
            Usage(3, 2),
        ),
        (  # reasoning that is not in completion_tokens, as the total shows
            {
                "prompt_tokens": 3,
                "completion_tokens": 2,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 10},
            },
            Usage(3, 12, reasoning_tokens=10),
        ),
        (  # more from the cache than there was
            {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 9}},
            Usage(3, 2, 3),
        ),
        (None, None),
        ({}, None),
        ({"prompt_tokens": 3}, None),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None),
        ({"prompt_tokens": 3, "completion_tokens": 10**12}, None),
        ({"prompt_tokens": 3, "completion_tokens": 1.5}, None),
        ({"prompt_tokens": "3", "completion_tokens": 2}, None),
        ({"prompt_tokens": True, "completion_tokens": 2}, None),
        ({"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": -1}}, None),
        ([1], None),
    ],
)
def test_usage_is_taken_in_full_or_not_at_all(wire: Any, usage: Usage | None) -> None:
    assert decode_usage(wire) == usage


def test_usage_survives_both_ways() -> None:
    for usage in (Usage(), Usage(3, 2), Usage(30, 20, 10, 4, 5, 1, 2, 3, 4)):
        assert decode_usage(encode_usage(usage)) == usage
