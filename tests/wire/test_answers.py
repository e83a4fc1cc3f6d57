"""What comes out when all goes well: the SDK finds everything it finds at the vendor's own address."""

import asyncio
import json
from typing import Any

import openai
import pydantic
import pytest

from tests.wire.conftest import Ask
from tests.wire.harness import Gateway, Ledger, ProviderThread, folded, whole

FACT = "Order A-17 shipped on Monday. When did order A-17 ship?"
TEXT = "This is Ada Berg. Please write to ada.berg@mail.example."
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "email": {"type": "string"}},
    "required": ["name", "email"],
    "additionalProperties": False,
}
PNG = "data:image/png;base64,iVBORw0KGgo="


class Person(pydantic.BaseModel):
    name: str
    email: str


@pytest.mark.parametrize("model", ["scripted/scripted-instant", "scripted:scripted-instant", "answers"])
def test_a_question_is_answered_whatever_way_the_model_is_named(ask: Ask, model: str, ledger: Ledger) -> None:
    said = ask(FACT, model=model)
    assert (said.text, said.finishes) == ("Order A-17 shipped on Monday.", ["stop"])
    assert said.id.startswith("chatcmpl-")
    assert said.model == "scripted-instant"
    assert ledger.last.outcome == "ok"
    assert ledger.last.feature == ("answers" if model == "answers" else "default")


def test_usage_is_told_and_is_what_was_recorded(ask: Ask, ledger: Ledger) -> None:
    usage = ask(FACT).usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 20
    recorded = ledger.last.usage
    assert recorded is not None
    assert (recorded.input_tokens, recorded.output_tokens) == (usage.prompt_tokens, usage.completion_tokens)
    assert ledger.last.cost_nano is None, "a price nobody knows is not zero"


def test_a_stream_has_no_usage_chunk_unless_it_was_asked_for(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="answers", messages=[{"role": "user", "content": FACT}], stream=True
        )
    )
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_async_sdk_gets_the_same_words(served: Gateway, ledger: Ledger) -> None:
    ledger.expected = 2

    async def main() -> tuple[str, str]:
        async with served.async_client() as client:
            wanted: Any = {"model": "answers", "messages": [{"role": "user", "content": FACT}]}
            one = whole(await client.chat.completions.create(**wanted))
            stream = await client.chat.completions.create(stream=True, **wanted)
            return one.text, folded([chunk async for chunk in stream]).text

    assert asyncio.run(main()) == ("Order A-17 shipped on Monday.",) * 2


def test_thirty_calls_at_a_time_are_all_answered(served: Gateway, ledger: Ledger) -> None:
    ledger.expected = 30

    async def main() -> list[str]:
        async with served.async_client() as client, asyncio.TaskGroup() as tasks:

            async def one(number: int) -> str:
                question = f"Order B-{number} shipped on day {number}. When did order B-{number} ship?"
                stream = await client.chat.completions.create(
                    model="scripted/scripted-fast",
                    messages=[{"role": "user", "content": question}],
                    stream=True,
                )
                return folded([chunk async for chunk in stream]).text

            asked = [tasks.create_task(one(number)) for number in range(30)]
        return [task.result() for task in asked]

    assert asyncio.run(main()) == [f"Order B-{number} shipped on day {number}." for number in range(30)]


def test_tools_are_called_in_parallel_and_their_results_told(ask: Ask, ledger: Ledger) -> None:
    ledger.expected = 2
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris and in London?"}]
    said = ask(messages=messages, tools=[WEATHER])
    assert said.finishes == ["tool_calls"]
    assert [(name, json.loads(arguments)) for _, name, arguments in said.calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "London"}),
    ]
    assert len({call_id for call_id, _, _ in said.calls}) == 2
    functions = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in said.calls
    ]
    messages.append({"role": "assistant", "content": None, "tool_calls": functions})
    messages += [
        {"role": "tool", "tool_call_id": call_id, "content": '{"temperature": 21}'}
        for call_id, _, _ in said.calls
    ]
    final = ask(messages=messages, tools=[WEATHER])
    assert final.finishes == ["stop"]
    assert final.text == "Paris: temperature 21. London: temperature 21."


@pytest.mark.parametrize("faults", ["tool_split", "tool_interleaved"])
def test_arguments_arrive_whole_however_the_provider_cuts_them(ask: Ask, faults: str) -> None:
    said = ask(
        "What is the weather in Paris and in London?",
        model=f"scripted/scripted-instant+{faults}",
        tools=[WEATHER],
    )
    assert [json.loads(arguments) for _, _, arguments in said.calls] == [
        {"city": "Paris"},
        {"city": "London"},
    ]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_weather"}}, ["get_weather"]),
    ],
)
def test_a_tool_choice_is_kept(ask: Ask, choice: Any, called: list[str]) -> None:
    said = ask("Say hello.", tools=[WEATHER], tool_choice=choice)
    assert [name for _, name, _ in said.calls] == called


@pytest.mark.parametrize("url", ["https://images.example/lamp.png", PNG], ids=["url", "data"])
def test_images_reach_the_model_as_they_were_sent(ask: Ask, provider: ProviderThread, url: str) -> None:
    image = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
    content = [{"type": "text", "text": "What is in these?"}, image, image]
    said = ask(messages=[{"role": "user", "content": content}])
    assert "2 images" in said.text
    assert json.loads(provider.latest().body)["messages"][0]["content"] == content


def test_two_choices_come_apart(ask: Ask) -> None:
    said = ask(FACT, n=2, seed=7)
    assert said.finishes == ["stop", "stop"]
    assert all(text.endswith("rder A-17 shipped on Monday.") for text in said.texts)


def test_logprobs_belong_to_the_text(ask: Ask) -> None:
    said = ask(FACT, logprobs=True, top_logprobs=2)
    assert "".join(said.tokens) == said.text != ""


def test_max_tokens_ends_the_answer_and_says_so(ask: Ask, ledger: Ledger) -> None:
    said = ask(FACT, max_tokens=3)
    assert said.finishes == ["length"]
    assert said.usage.completion_tokens == 3
    assert ledger.last.finish == ("length",)


def test_a_stop_word_ends_the_answer_before_it(ask: Ask) -> None:
    said = ask(FACT, stop=[" on"])
    assert (said.text, said.finishes) == ("Order A-17 shipped", ["stop"])


def test_a_json_object_is_one(ask: Ask) -> None:
    said = ask(f'{TEXT} Answer as JSON: {{"name": "…"}}', response_format={"type": "json_object"})
    assert isinstance(json.loads(said.text), dict)


@pytest.mark.parametrize("faults", ["", "+json_fences", "+json_trailing_commas"])
def test_a_callers_schema_is_met_even_if_the_model_breaks_the_form(
    ask: Ask, faults: str, ledger: Ledger
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    said = ask(TEXT, model=f"scripted/scripted-instant{faults}", response_format=form)
    assert json.loads(said.text) == {"name": "Ada Berg", "email": "ada.berg@mail.example"}
    repaired = any(decision.what == "repaired" for decision in ledger.last.decisions)
    assert repaired == bool(faults)


def test_a_features_own_schema_needs_no_response_format(ask: Ask, ledger: Ledger) -> None:
    said = ask(TEXT, model="person")
    assert json.loads(said.text) == {"name": "Ada Berg", "email": "ada.berg@mail.example"}
    assert [decision.what for decision in ledger.last.decisions] == ["repaired"]


def test_parse_gives_an_object_of_the_callers_class(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model="scripted/scripted-instant",
        messages=[{"role": "user", "content": TEXT}],
        response_format=Person,
    )
    assert parsed.choices[0].message.parsed == Person(name="Ada Berg", email="ada.berg@mail.example")


def test_the_stream_helper_ends_with_the_whole_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="scripted/scripted-instant",
        messages=[{"role": "user", "content": TEXT}],
        response_format=Person,
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.parsed == Person(name="Ada Berg", email="ada.berg@mail.example")


def test_a_refusal_arrives_as_one(ask: Ask) -> None:
    said = ask(TEXT, model="scripted/scripted-instant+refusal")
    assert said.refusal.startswith("I'm sorry")
    assert not said.text


def test_a_failing_target_is_not_noticed_by_the_caller(ask: Ask, ledger: Ledger) -> None:
    assert ask(FACT, model="second-choice").text == "Order A-17 shipped on Monday."
    assert [attempt.outcome for attempt in ledger.last.attempts] == ["unavailable", "ok"]
    assert ledger.last.target == "spare/scripted-instant"


def test_the_models_are_the_features(client: openai.OpenAI, ledger: Ledger) -> None:
    ledger.expected = 0
    names = [model.id for model in client.models.list()]
    assert names == sorted(names)
    assert {"answers", "person", "hasty"} <= set(names)
    assert client.models.retrieve("answers").owned_by == "seawall:tests"


def test_the_headers_say_what_happened(client: openai.OpenAI, ledger: Ledger) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="answers",
        messages=[{"role": "user", "content": FACT}],
        extra_headers={"x-request-id": "my-own-id-7"},
    )
    record = ledger.last
    assert raw.headers["x-request-id"] == "my-own-id-7" == record.correlation_id
    assert raw.headers["x-seawall-call-id"] == record.id
    assert raw.headers["x-seawall-feature"] == "answers"
    assert raw.headers["x-seawall-digest"] == record.digest
    assert raw.headers["x-seawall-served-model"] == "scripted-instant"
    assert raw.headers["x-seawall-attempts"] == "1"
    assert float(raw.headers["x-seawall-overhead-ms"]) < 1000
    assert "x-seawall-cost-usd" not in raw.headers, "the price of a scripted model is unknown"
    assert raw.parse().choices[0].finish_reason == "stop"


def test_a_default_request_id_of_the_client_goes_all_the_way(
    served: Gateway, provider: ProviderThread, ledger: Ledger
) -> None:
    with served.client(default_headers={"x-request-id": "session-41"}) as client:
        stream = client.chat.completions.create(
            model="answers", messages=[{"role": "user", "content": FACT}], stream=True
        )
        assert stream.response.headers["x-request-id"] == "session-41"
        assert folded(list(stream)).finishes == ["stop"]
    assert ledger.last.correlation_id == "session-41"
    assert provider.latest().headers["x-request-id"] == "session-41"


def test_without_one_the_request_id_is_that_of_the_call(client: openai.OpenAI, ledger: Ledger) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="answers", messages=[{"role": "user", "content": FACT}]
    )
    assert raw.headers["x-request-id"] == raw.headers["x-seawall-call-id"] == ledger.last.id


def test_the_callers_key_never_reaches_the_provider(
    ask: Ask, served: Gateway, provider: ProviderThread
) -> None:
    ask(FACT)
    latest = provider.latest()
    assert served.key not in str(latest.headers)
    assert served.key.encode() not in latest.body
