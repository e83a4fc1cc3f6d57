"""One gateway for the whole suite; each test leaves exactly as many records as it says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from seawall.core.ports import Store
from seawall.runtime.project import open_project_store

from tests.wire.harness import Gateway, Ledger, ProviderThread, Said, folded, gateway, whole, write

FILES = {
    "seawall.yaml": """\
seawall: 1
limits: {body: 300 KiB}
providers:
  scripted: {base_url: "URL"}
  spare: {base_url: "URL"}
default:
  llm: {deadline: {total: 10 s}}
""",
    "features/answers.yaml": """\
seawall: 1
feature: answers
intent: {purpose: Answer what is asked., owner: tests, request_type: reasoning}
llm: {targets: [scripted/scripted-instant], max_tokens: 100}
""",
    "features/person.yaml": """\
seawall: 1
feature: person
intent: {purpose: Read a person out of a text., owner: tests, request_type: extraction}
llm: {targets: [scripted/scripted-instant+json_fences]}
validation: {output: ../schemas/person.json}
""",
    "features/broken-person.yaml": """\
seawall: 1
feature: broken-person
intent: {purpose: Show what happens to answers that cannot be mended., owner: tests, request_type: extraction}
llm: {targets: [scripted/scripted-instant+json_missing]}
validation: {output: ../schemas/person.json}
""",
    "schemas/person.json": """\
{"type": "object", "properties": {"name": {"type": "string"}, "email": {"type": "string"}},
 "required": ["name", "email"], "additionalProperties": false}
""",
    "features/second-choice.yaml": """\
seawall: 1
feature: second-choice
intent: {purpose: Have two targets., owner: tests, request_type: reasoning}
llm: {targets: [scripted/scripted-instant+status=500, spare/scripted-instant], retry: {attempts: 0}}
""",
    "features/hasty.yaml": """\
seawall: 1
feature: hasty
intent: {purpose: Have little time., owner: tests, request_type: realtime}
llm: {targets: [scripted/scripted-instant+hang], deadline: {total: 600 ms, first_token: 300 ms}}
""",
    "features/rationed.yaml": """\
seawall: 1
feature: rationed
intent: {purpose: Be asked now and then., owner: tests, request_type: realtime}
input: {rate: 1/400 ms per key}
llm: {targets: [scripted/scripted-instant]}
""",
}


@pytest.fixture(scope="session")
def provider() -> Iterator[ProviderThread]:
    """The scripted provider behind the gateway."""
    with ProviderThread(seed=5) as running:
        yield running


@pytest.fixture(scope="session")
def served(provider: ProviderThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway of the suite."""
    folder = tmp_path_factory.mktemp("wire")
    write(folder, {name: text.replace("URL", provider.url) for name, text in FILES.items()})
    with gateway(folder) as running:
        yield running


@pytest.fixture(scope="session")
def store(served: Gateway) -> Iterator[Store]:
    """The gateway's store, read from outside."""
    opened = open_project_store(Path(served.folder))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def ledger(store: Store) -> Iterator[Ledger]:
    """Sees to it that there is one record for each call."""
    book = Ledger(store)
    yield book
    book.settle()


@pytest.fixture(scope="session")
def client(served: Gateway) -> Iterator[openai.OpenAI]:
    """The SDK, without retries of its own."""
    with served.client() as opened:
        yield opened


Ask = Callable[..., Said]


@pytest.fixture(params=["whole", "streamed"])
def ask(request: pytest.FixtureRequest, client: openai.OpenAI) -> Ask:
    """Ask for an answer, whole or streamed; what comes is the same."""

    def asked(text: str = "", **wanted: Any) -> Said:
        wanted.setdefault("model", "scripted/scripted-instant")
        wanted.setdefault("messages", [{"role": "user", "content": text}])
        if request.param == "whole":
            return whole(client.chat.completions.create(**wanted))
        wanted.setdefault("stream_options", {"include_usage": True})
        return folded(list(client.chat.completions.create(stream=True, **wanted)))

    return asked
