"""From a received request to the steps that answer it: routes, checks, limits, faults, the answer itself."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from seawall.core.ports import Clock
from seawall.plugins.providers.scripted import response, stream
from seawall.plugins.providers.scripted.answer import Composed, compose, digest, prompt_tokens
from seawall.plugins.providers.scripted.draw import Draw
from seawall.plugins.providers.scripted.events import Step, sse
from seawall.plugins.providers.scripted.faults import Chosen
from seawall.plugins.providers.scripted.limits import Limits, retry_headers
from seawall.plugins.providers.scripted.log import Received
from seawall.plugins.providers.scripted.plan import FaultPlan, Sightings, in_force
from seawall.plugins.providers.scripted.request import Asked, BadRequest, decode, read_model
from seawall.plugins.providers.scripted.response import Response, error_body
from seawall.plugins.providers.scripted.timing import PROFILES, Pace, Profile

_CHAT: Final = "/chat/completions"
_MODELS: Final = "/models"
_MOST_KEPT: Final = 200
_LONGEST_KEPT: Final = 4000
_RELEASED: Final = 1_767_225_600
"""The creation time that the list of models states, Unix seconds."""


class Options(Struct, frozen=True):
    """What is fixed for the life of a server."""

    seed: int = 0
    speed: float = 1.0
    created: int | None = None
    api_key: str | None = None


class Job(Struct):
    """A request on its way to an answer."""

    entry: Received
    steps: Iterator[Step]
    counted: bool = False
    """Whether it takes one of the places for concurrent answers."""


class Case(Struct, frozen=True):
    """A chat request with everything that decides its answer."""

    asked: Asked
    same: bytes
    """Tells this request from others, whether it is streamed or not."""
    served: str
    profile: Profile
    chosen: Chosen
    draw: Draw


class Service:
    """Knows what to answer; knows nothing of sockets."""

    def __init__(self, options: Options, clock: Clock, plan: FaultPlan, limits: Limits) -> None:
        self._options = options
        self._clock = clock
        self._plan = plan
        self._limits = limits
        self._sightings = Sightings()
        self._kept: OrderedDict[tuple[object, ...], Composed] = OrderedDict()

    def respond(self, entry: Received) -> Job:
        """Work out the whole response to a request."""
        try:
            route = self._route(entry)
            if route == _CHAT:
                return self._chat(entry)
            return self._plain(entry, Response(200, _models(entry.path)))
        except BadRequest as error:
            body = error_body(error.status, str(error), code=error.code or None, param=error.param or None)
            return self._plain(entry, Response(error.status, body))

    def overloaded(self, entry: Received) -> Job:
        """The response to one too many at a time."""
        body = error_body(429, "Too many requests at a time; try again later")
        return self._plain(entry, Response(429, body, headers=retry_headers(1.0)))

    def _route(self, entry: Received) -> str:
        """The route of a request. Raises `BadRequest` for a wrong key, path or method."""
        key = self._options.api_key
        if key is not None and entry.headers.get("authorization") != f"Bearer {key}":
            raise BadRequest("Incorrect API key provided", code="invalid_api_key", status=401)
        path = entry.path.removeprefix("/v1")
        route = _MODELS if path.startswith(f"{_MODELS}/") else path
        method = {_CHAT: "POST", _MODELS: "GET"}.get(route)
        if method is None:
            raise BadRequest(
                f"there is nothing at {entry.path!r}; there are /v1{_CHAT}, /v1{_MODELS}", status=404
            )
        if entry.method != method:
            raise BadRequest(f"{entry.method} is not allowed at {entry.path!r}; use {method}", status=405)
        return route

    def _plain(
        self, entry: Received, answer: Response, chosen: Chosen | None = None, draw: Draw | None = None
    ) -> Job:
        entry.status = answer.status
        return Job(entry, response.play(answer, chosen or {}, draw or Draw(self._options.seed, entry.body)))

    def _chat(self, entry: Received) -> Job:
        case = self._case(entry)
        entry.model, entry.faults = case.served, tuple(case.chosen)
        if failing := response.failing(case.chosen, wall=self._clock.wall()):
            return self._plain(entry, failing, case.chosen, case.draw)
        asked = case.asked
        if refused := self._limits.admit(prompt_tokens(asked) + (asked.limit or 16)):
            kind, wait = refused
            body = error_body(429, f"Rate limit reached for {kind} per minute; try again in {wait:.3f}s")
            headers = [*retry_headers(wait), *self._limits.headers()]
            return self._plain(entry, Response(429, body, headers=headers), {}, case.draw)
        answer, delay = self._answer(case)
        job = self._plain(entry, answer, case.chosen, case.draw)
        return Job(entry, _delayed(job.steps, delay), counted=True)

    def _case(self, entry: Received) -> Case:
        """Read a chat request and decide its faults. Raises `BadRequest`."""
        asked = decode(entry.body)
        served, profile, named = read_model(asked.model)
        same = digest(asked)
        draw = Draw(self._options.seed, same)
        seen = self._sightings.add(same)
        planned = self._plan.for_request(served, draw.child(f"sighting {seen}"))
        return Case(asked, same, served, profile, in_force(named, draw, seen) | planned, draw)

    def _answer(self, case: Case) -> tuple[Response, float]:
        """The response, and the seconds that pass before any of it is sent."""
        asked, chosen = case.asked, case.chosen
        speed = self._options.speed * float(chosen.get("speed", 1.0))
        pace = Pace(case.profile, case.draw.child("pace"), speed)
        composed = self._composed(case)
        headers = self._limits.headers()
        if asked.stream:
            usage = asked.stream_options is not None and asked.stream_options.include_usage
            body = sse(stream.payloads(composed, chosen, usage=usage), chosen, pace)
            return Response(200, body, "text/event-stream; charset=utf-8", headers), 0.0
        delay = pace.total(composed.length)
        headers.append(("openai-processing-ms", str(int(delay * 1000))))
        return Response(200, stream.whole(composed), headers=headers), delay

    def _composed(self, case: Case) -> Composed:
        """The answer. The same request has the same one, so the latest are kept."""
        created = int(self._clock.wall()) if self._options.created is None else self._options.created
        key = (case.same, *case.chosen.items())
        if known := self._kept.get(key):
            self._kept.move_to_end(key)
            return replace(known, created=created)
        made = compose(case.asked, case.served, case.profile, case.chosen, draw=case.draw, created=created)
        if made.length <= _LONGEST_KEPT:
            self._kept[key] = made
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return made


def _delayed(steps: Iterator[Step], delay: float) -> Iterator[Step]:
    if delay > 0:
        yield delay
    yield from steps


def _models(path: str) -> bytes:
    """The list of models, or the one that *path* names. Raises `BadRequest` for one there is not."""
    wanted = path.removeprefix("/v1").removeprefix(_MODELS).strip("/")
    if wanted:
        return msgspec.json.encode(_model(read_model(wanted)[0]))
    return msgspec.json.encode({"object": "list", "data": [_model(name) for name in PROFILES]})


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _RELEASED, "owned_by": "seawall"}
