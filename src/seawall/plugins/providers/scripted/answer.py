"""From a request to the answer that will be sent: choices, ids, usage, the name it is served under."""

from hashlib import blake2b

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from seawall.plugins.providers.scripted import content, model
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.faults import Chosen, count
from seawall.plugins.providers.scripted.reading import Reading
from seawall.plugins.providers.scripted.request import Asked
from seawall.plugins.providers.scripted.text import estimate, tokens
from seawall.plugins.providers.scripted.timing import PROFILES, Profile

_IMAGE_TOKENS = 85
_CARELESS = ("json_missing", "json_trailing_commas", "json_fences", "json_wrong_type")


class ChoiceText(Struct):
    """One choice, in the tokens in which it is streamed."""

    said: model.Said
    tokens: list[str]


class Usage(Struct):
    """Token counts as the answer states them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Composed(Struct):
    """A whole answer, before it is put on the wire."""

    id: str
    created: int
    model: str
    fingerprint: str
    choices: list[ChoiceText]
    usage: Usage | None
    logprobs: int | None
    """How many alternatives are told per token; `None` when none are wanted."""
    draw: Draw

    @property
    def length(self) -> int:
        """How many tokens take time."""
        return max((len(choice.tokens) for choice in self.choices), default=0)


def digest(asked: Asked) -> bytes:
    """What tells one request from another; whole and streamed are the same request."""
    encoded = msgspec.json.encode(replace(asked, stream=None, stream_options=None))
    return blake2b(encoded, digest_size=16).digest()


def compose(
    asked: Asked, served: str, profile: Profile, chosen: Chosen, *, draw: Draw, created: int
) -> Composed:
    """Answer a request."""
    if "other_model" in chosen:
        served = str(chosen["other_model"]) or f"{profile.name}-2099-01-01"
        profile = PROFILES["scripted-small"]
    reading = Reading(
        asked,
        remembers=count(chosen, "forget_after") if "forget_after" in chosen else None,
        edges=count(chosen, "lost_in_middle") if "lost_in_middle" in chosen else None,
    )
    choices = [_choice(reading, profile, chosen, draw, number) for number in range(asked.n or 1)]
    return Composed(
        id=f"chatcmpl-{draw.name('id')}",
        created=created,
        model=served,
        fingerprint=f"fp_{Draw('fingerprint', served).name('of', 10)}",
        choices=choices,
        usage=_usage(asked, choices, chosen),
        logprobs=(asked.top_logprobs or 0) if asked.logprobs else None,
        draw=draw,
    )


def _choice(reading: Reading, profile: Profile, chosen: Chosen, draw: Draw, number: int) -> ChoiceText:
    asked = reading.asked
    own = draw.child(f"choice {number}")
    careless = own.happens("miss", profile.misses)
    said = model.speak(reading, own, careless=careless)
    warm = asked.temperature if asked.temperature is not None else (1.0 if number else 0.0)
    if warm > 0:
        said = model.varied(said, own)
    if careless and said.is_json:
        chosen = chosen | {_CARELESS[own.below("slip", len(_CARELESS))]: 1}
    said = content.spoil(said, chosen, reading, own)
    for stop in asked.stops:
        if stop and stop in said.text:
            said = replace(said, text=said.text[: said.text.index(stop)], finish="stop")
    pieces = tokens(said.refusal or said.text)
    if asked.limit is not None and len(pieces) > asked.limit:
        pieces = pieces[: asked.limit]
        said = replace(said, finish="length")
        said = replace(said, refusal="".join(pieces)) if said.refusal else replace(said, text="".join(pieces))
    if asked.limit is not None and said.calls:
        said = _shortened(said, asked.limit)
    return ChoiceText(said, pieces)


def _shortened(said: model.Said, limit: int) -> model.Said:
    """Cut the arguments of the tool calls where the tokens run out."""
    calls = []
    for call in said.calls:
        pieces = tokens(call.arguments)
        calls.append(replace(call, arguments="".join(pieces[:limit])))
        if len(pieces) > limit:
            return replace(said, calls=calls, finish="length")
        limit -= len(pieces)
    return said


def prompt_tokens(asked: Asked) -> int:
    """How many tokens the prompt counts as."""
    words = sum(4 + estimate(turn.text) + _IMAGE_TOKENS * turn.media("image_url") for turn in asked.messages)
    called = sum(
        estimate(call.function.name + call.function.arguments)
        for turn in asked.messages
        for call in turn.tool_calls or ()
    )
    extra = len(msgspec.json.encode([asked.tools, asked.schema])) // 4 if asked.tools or asked.schema else 0
    return 3 + words + called + extra


def _usage(asked: Asked, choices: list[ChoiceText], chosen: Chosen) -> Usage | None:
    if "usage_missing" in chosen:
        return None
    given = prompt_tokens(asked)
    written = sum(
        len(choice.tokens) + sum(len(tokens(call.arguments)) + 4 for call in choice.said.calls)
        for choice in choices
    )
    if "usage_negative" in chosen:
        given, written = -given, -written
    if "usage_absurd" in chosen:
        given, written = 10**12, 10**12
    if "usage_double" in chosen:
        given, written = 2 * given, 2 * written
    return Usage(given, written, given + written)
