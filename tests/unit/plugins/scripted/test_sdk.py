"""The official OpenAI SDK against the scripted provider."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pydantic
import pytest

from seawall.plugins.providers.scripted import ScriptedServer

from tests.unit.plugins.scripted.raw import ANSWER, CONTEXT, ORDERS, QUESTION, WEATHER

MESSAGES: Any = [{"role": "system", "content": CONTEXT}, {"role": "user", "content": QUESTION}]
ORDER = (
    "Order: A-1734\nHello, this is Maria Silva. I ordered 3 lamps for 129.90 EUR on 12 March 2026.\n"
    "Please write to maria@shop.example. It is not urgent.\n- desk lamp\n- floor lamp"
)


class Order(pydantic.BaseModel):
    order_id: str
    customer_name: str
    email: str
    total: float
    quantity: int
    ordered_date: str
    urgent: bool
    items: list[str]


def talk(work: Callable[[openai.AsyncOpenAI, ScriptedServer], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        async with (
            ScriptedServer(**options) as server,
            openai.AsyncOpenAI(base_url=server.url, api_key="x", max_retries=0) as client,
        ):
            return await work(client, server)

    return asyncio.run(main())


def test_a_chat_is_answered_from_the_context_with_its_citation() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        return await client.chat.completions.create(model="scripted-instant", messages=MESSAGES)

    answer = talk(work)
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 60
    assert answer.id.startswith("chatcmpl-")
    assert answer.system_fingerprint.startswith("fp_")
    assert answer.model == "scripted-instant"


def test_a_stream_says_what_the_whole_answer_says_and_ends_with_usage() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        stream = await client.chat.completions.create(
            model="scripted-instant", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        return [chunk async for chunk in stream]

    chunks = talk(work)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == ANSWER
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == len(chunks) - 3
    assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_the_tools_loop_calls_in_parallel_and_then_tells_the_results(streamed: bool) -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        question = "What is the weather in Paris and in London, and the status of order A-17?"
        messages: list[Any] = [{"role": "user", "content": question}]
        wanted: dict[str, Any] = {"model": "scripted-instant", "tools": [WEATHER, ORDERS]}
        if streamed:
            async with client.chat.completions.stream(messages=messages, **wanted) as stream:
                message = (await stream.get_final_completion()).choices[0].message
        else:
            message = (await client.chat.completions.create(messages=messages, **wanted)).choices[0].message
        results = ['{"temperature": 21}', '{"error": "no station"}', "shipped yesterday"]
        calls = message.tool_calls or []
        messages.append(message.model_dump(include={"role", "content", "tool_calls"}))
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": result}
            for call, result in zip(calls, results, strict=True)
        ]
        final = await client.chat.completions.create(messages=messages, **wanted)
        return [(call.function.name, call.function.arguments) for call in calls], final.choices[0]

    calls, final = talk(work)
    assert calls == [
        ("get_weather", '{"city":"Paris"}'),
        ("get_weather", '{"city":"London"}'),
        ("get_order_status", '{"order_id":"A-17"}'),
    ]
    assert final.finish_reason == "stop"
    assert final.message.content == (
        "Paris: temperature 21. get_weather for London failed: no station. A-17: shipped yesterday."
    )


def test_parse_fills_a_pydantic_model_from_the_text() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        return await client.chat.completions.parse(
            model="scripted-large",
            messages=[
                {"role": "system", "content": "Extract the order."},
                {"role": "user", "content": ORDER},
            ],
            response_format=Order,
        )

    assert talk(work, speed=1e6).choices[0].message.parsed == Order(
        order_id="A-1734",
        customer_name="Maria Silva",
        email="maria@shop.example",
        total=129.9,
        quantity=3,
        ordered_date="2026-03-12",
        urgent=False,
        items=["desk lamp", "floor lamp"],
    )


def test_n_choices_come_whole_and_streamed() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        wanted: dict[str, Any] = {"model": "scripted-instant", "messages": MESSAGES, "n": 3, "seed": 7}
        whole = await client.chat.completions.create(**wanted)
        texts = ["", "", ""]
        async for chunk in await client.chat.completions.create(**wanted, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        return [choice.message.content for choice in whole.choices], texts

    whole, streamed = talk(work)
    assert whole == streamed
    assert all(text.endswith(ANSWER) for text in whole)


def test_logprobs_belong_to_the_tokens_and_doubt_lowers_them() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        return [
            (
                await client.chat.completions.create(
                    model=model, messages=MESSAGES, logprobs=True, top_logprobs=3
                )
            ).choices[0]
            for model in ("scripted-instant", "scripted-instant+hallucinate")
        ]

    sure, unsure = talk(work)
    tokens = sure.logprobs.content
    assert "".join(token.token for token in tokens) == ANSWER
    assert all(len(token.top_logprobs) == 3 and token.logprob <= 0 for token in tokens)
    assert all(token.top_logprobs[0].logprob == token.logprob for token in tokens)
    assert bytes(tokens[0].bytes).decode() == tokens[0].token
    doubt = unsure.logprobs.content
    assert sum(t.logprob for t in doubt) / len(doubt) < sum(t.logprob for t in tokens) / len(tokens)


def test_max_tokens_and_stop_end_the_answer_early() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        cut = await client.chat.completions.create(
            model="scripted-instant", messages=MESSAGES, max_completion_tokens=3
        )
        stopped = await client.chat.completions.create(
            model="scripted-instant", messages=MESSAGES, stop=[" defects"]
        )
        return cut, stopped.choices[0]

    cut, stopped = talk(work)
    assert (cut.choices[0].finish_reason, cut.choices[0].message.content) == ("length", "The warranty covers")
    assert cut.usage.completion_tokens == 3
    assert (stopped.finish_reason, stopped.message.content) == ("stop", "The warranty covers")


def test_images_are_acknowledged_by_count_and_cost_tokens() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        content: Any = [{"type": "text", "text": "What is in these?"}, image, image]
        return await client.chat.completions.create(
            model="scripted-instant", messages=[{"role": "user", "content": content}]
        )

    answer = talk(work)
    assert "2 images" in answer.choices[0].message.content
    assert answer.usage.prompt_tokens > 170


def test_models_are_listed_and_found_by_name() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        listed = [model.id async for model in client.models.list()]
        return listed, (await client.models.retrieve("scripted-small-2026-02-01")).id

    listed, dated = talk(work)
    assert listed == ["scripted-instant", "scripted-fast", "scripted-small", "scripted-large"]
    assert dated == "scripted-small-2026-02-01"


def test_errors_have_the_types_that_the_sdk_knows() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        found = []
        for model in (
            "gpt-0",
            "scripted-instant+nonsense",
            "scripted-instant+status=429",
            "scripted-instant+reset",
        ):
            try:
                await client.chat.completions.create(model=model, messages=MESSAGES)
            except openai.OpenAIError as error:
                found.append(error)
        return found

    unknown, fault, limited, reset = talk(work)
    assert isinstance(unknown, openai.NotFoundError)
    assert unknown.code == "model_not_found"
    assert isinstance(fault, openai.BadRequestError)
    assert "'nonsense'" in str(fault)
    assert "json_fences" in str(fault)
    assert isinstance(limited, openai.RateLimitError)
    assert isinstance(reset, openai.APIConnectionError)


def test_a_refusal_arrives_as_one() -> None:
    async def work(client: openai.AsyncOpenAI, _: ScriptedServer) -> Any:
        return await client.chat.completions.parse(
            model="scripted-instant+refusal", messages=MESSAGES, response_format=Order
        )

    message = talk(work).choices[0].message
    assert message.parsed is None
    assert message.refusal.startswith("I'm sorry")
