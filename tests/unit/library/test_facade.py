"""The library face: whole and streamed answers, errors as themselves, leaving early."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

import seawall
from seawall.plugins.providers.scripted import ScriptedServer

FEATURE = """\
seawall: 1
feature: support
intent: {purpose: Answer questions about orders., owner: test, request_type: extraction}
llm: {targets: [scripted/scripted-instant]}
"""
QUESTION = "Order A-17 shipped on Monday. When did order A-17 ship?"


def project(folder: Path, url: str) -> Path:
    (folder / "features").mkdir()
    (folder / "features" / "support.yaml").write_text(FEATURE)
    (folder / "seawall.yaml").write_text(
        f'seawall: 1\nproviders:\n  scripted: {{kind: openai, vendor: vllm, base_url: "{url}"}}\n'
    )
    return folder


async def read(stream: AbstractAsyncContextManager[AsyncIterator[seawall.Event]]) -> None:
    async with stream as events:
        async for _ in events:
            pass


def test_whole_and_streamed_answers_are_the_same_and_both_are_recorded(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedServer() as server, seawall.open(project(tmp_path, server.url)) as app:
            answer = await app.feature("support").complete(QUESTION)
            async with app.feature("support").stream(QUESTION) as events:
                words = [event.text async for event in events if isinstance(event, seawall.PartDelta)]
            assert "".join(words) == answer.text
            assert "Monday" in answer.text
            records = app.app.recorder.counters
            assert records.submitted == 2

    asyncio.run(main())


def test_an_error_reaches_the_caller_as_itself_in_both_ways(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedServer() as server, seawall.open(project(tmp_path, server.url)) as app:
            server.faults.set("status=400")
            with pytest.raises(seawall.ProviderError):
                await app.feature("support").complete(QUESTION)
            with pytest.raises(seawall.ProviderError):
                await read(app.feature("support").stream(QUESTION))
            with pytest.raises(seawall.Rejected, match=r"no feature or model 'suport'\. Did you mean"):
                await app.feature("suport").complete(QUESTION)

    asyncio.run(main())


def test_leaving_a_stream_early_stops_the_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedServer() as server, seawall.open(project(tmp_path, server.url)) as app:
            server.faults.set("stall=3")
            async with app.feature("support").stream(QUESTION) as events:
                async for event in events:
                    if isinstance(event, seawall.PartDelta):
                        break
            for _ in range(100):
                if server.requests[-1].outcome == "closed_by_client":
                    break
                await asyncio.sleep(0.02)
            assert server.requests[-1].outcome == "closed_by_client"
            assert app.app.graph.in_flight == 0

    asyncio.run(main())


def test_a_stream_that_is_never_read_leaves_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedServer() as server, seawall.open(project(tmp_path, server.url)) as app:
            async with app.feature("support").stream(QUESTION):
                pass
            assert app.app.graph.in_flight == 0

    asyncio.run(main())


def test_wrong_files_are_told_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "broken.yaml").write_text("seawall: 1\nfeature: broken\nllm: {targetz: []}\n")

    async def main() -> None:
        async with seawall.open(tmp_path):
            pytest.fail("it opened")

    with pytest.raises(seawall.SpecError, match="targetz"):
        asyncio.run(main())
