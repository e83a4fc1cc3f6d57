"""A gateway as a real process, scripted providers in a thread, and the official SDK in front of both."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import openai
from msgspec import Struct

import seawall
from seawall.core.ports import CallQuery, Store
from seawall.core.record import Record
from seawall.plugins.providers.scripted import Received, ScriptedServer

T = TypeVar("T")

STARTS_WITHIN = 30.0
SOURCES = Path(seawall.__file__).parents[1]
PROVIDER_KEYS = ("OPENAI_API_KEY", "MISTRAL_API_KEY", "GROQ_API_KEY", "OPENAI_BASE_URL")


def wait_until(holds: Callable[[], T], within: float = 5.0, every: float = 0.02) -> T:
    """What *holds* gives as soon as it is true; fails the test when it is not *within* so many seconds."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not so within {within:g} s: {found!r}"
        time.sleep(every)
    return found


class ProviderThread:
    """A scripted provider on a loop of its own, so that tests may block."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="scripted provider")
        self._started = threading.Event()
        self.server: ScriptedServer

    def __enter__(self) -> "ProviderThread":
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> None:
            self.server = ScriptedServer(**self._options)
            await self.server.start()
            self._started.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()

    @property
    def url(self) -> str:
        return self.server.url

    def do(self, work: Callable[[ScriptedServer], T]) -> T:
        """Run *work* where the server lives."""

        async def there() -> T:
            return work(self.server)

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(10)

    def latest(self) -> Received:
        """The last request it was sent."""
        return self.do(lambda server: server.requests[-1])


class Process:
    """`seawall` with some arguments, as a process; what it writes is in files."""

    def __init__(self, *arguments: str, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "seawall", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=surroundings() | dict(environ or {}),
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def ended(self, within: float = STARTS_WITHIN) -> int:
        """Its exit code, once it has ended by itself."""
        return self.popen.wait(within)

    def url(self) -> str:
        """The base URL it announces."""

        def announced() -> str:
            assert self.popen.poll() is None, f"it ended with {self.popen.poll()}: {self.err}"
            line = next((each for each in self.out.splitlines(keepends=True) if " http" in each), "")
            return line.split()[-1] if line.endswith("\n") else ""

        return wait_until(announced, STARTS_WITHIN)

    def stop(self) -> int:
        """End it with SIGTERM; its exit code."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            return self.popen.wait(20)
        finally:
            if self.popen.poll() is None:
                self.popen.kill()
                self.popen.wait(5)


def surroundings() -> dict[str, str]:
    """The environment for processes: no real keys, compiled files shared in a place of our own."""
    kept = {name: value for name, value in os.environ.items() if name not in PROVIDER_KEYS}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept["PYTHONPATH"] = str(SOURCES)
    kept["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[2] / ".pytest_cache" / "bytecode")
    return kept


@contextmanager
def gateway(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator["Gateway"]:
    """`seawall serve` on the project in *folder*, stopped in the end."""
    process = Process(
        "serve", str(folder), "--listen", "127.0.0.1:0", *arguments, folder=folder, environ=environ
    )
    try:
        yield Gateway(process, folder, process.url(), (folder / ".seawall" / "key").read_text().strip())
    finally:
        process.stop()


class Gateway:
    """A gateway that serves, and ways to call it."""

    def __init__(self, process: Process, folder: Path, url: str, key: str) -> None:
        self.process, self.folder, self.url, self.key = process, folder, url, key

    def client(self, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(**self._options(options))

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(**self._options(options))

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"base_url": self.url, "api_key": self.key, "max_retries": 0, "timeout": 15.0} | options


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write *files* into *folder*."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def all_records(store: Store) -> list[Record]:
    """Everything recorded, oldest first."""
    return store.find_calls(CallQuery(limit=100_000))[::-1]


class Ledger:
    """Counts the records that a test leaves."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = {record.id for record in all_records(store)}
        self.expected = 1
        """How many calls the test makes that leave a record."""

    def new(self) -> list[Record]:
        """Records that came since the test began, oldest first."""
        return [record for record in all_records(self._store) if record.id not in self._known]

    @property
    def last(self) -> Record:
        """The last one, once all that are expected are there."""
        wait_until(lambda: len(self.new()) >= self.expected)
        return self.new()[-1]

    def settle(self) -> None:
        """Fail unless there are exactly as many as expected."""
        wait_until(lambda: len(self.new()) >= self.expected)
        found = [(record.feature, record.outcome) for record in self.new()]
        assert len(found) == self.expected, found


class Said(Struct):
    """An answer, however it came."""

    texts: list[str]
    finishes: list[str | None]
    calls: list[tuple[str, str, str]]
    """Id, name and arguments of the tool calls of the first choice."""
    tokens: list[str]
    """Tokens of the log-probabilities of the first choice."""
    usage: Any
    id: str
    model: str
    refusal: str = ""

    @property
    def text(self) -> str:
        return self.texts[0]


def whole(completion: Any) -> Said:
    """The answer in a chat completion."""
    first = completion.choices[0]
    return Said(
        texts=[choice.message.content or "" for choice in completion.choices],
        finishes=[choice.finish_reason for choice in completion.choices],
        calls=[
            (call.id, call.function.name, call.function.arguments) for call in first.message.tool_calls or []
        ],
        tokens=[token.token for token in first.logprobs.content] if first.logprobs else [],
        usage=completion.usage,
        id=completion.id,
        model=completion.model,
        refusal=first.message.refusal or "",
    )


def folded(chunks: Sequence[Any]) -> Said:
    """The answer in the chunks of a stream."""
    count = 1 + max(choice.index for chunk in chunks for choice in chunk.choices)
    said = Said([""] * count, [None] * count, [], [], None, chunks[0].id, chunks[0].model)
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        said.usage = chunk.usage or said.usage
        for choice in chunk.choices:
            said.texts[choice.index] += choice.delta.content or ""
            said.finishes[choice.index] = choice.finish_reason or said.finishes[choice.index]
            if choice.index:
                continue
            said.refusal += choice.delta.refusal or ""
            said.tokens += [token.token for token in choice.logprobs.content] if choice.logprobs else []
            for call in choice.delta.tool_calls or []:
                grown = calls.setdefault(call.index, ["", "", ""])
                pieces = (call.id, call.function.name, call.function.arguments)
                for place, piece in enumerate(pieces):
                    grown[place] += piece or ""
    said.calls = [(call[0], call[1], call[2]) for _, call in sorted(calls.items())]
    return said
