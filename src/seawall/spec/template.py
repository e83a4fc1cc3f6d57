"""The first files of a project, as `seawall init` writes them."""

from collections.abc import Mapping

from msgspec import Struct


class Start(Struct, frozen=True):
    """A provider to begin with."""

    variable: str
    """The environment variable that shows that the user has an account there."""
    target: str


STARTS = (
    Start("OPENAI_API_KEY", "openai/gpt-4.1-mini@2025-04-14"),
    Start("MISTRAL_API_KEY", "mistral/mistral-small@2506"),
    Start("GROQ_API_KEY", "groq/llama-3.3-70b-versatile"),
    Start("DEEPSEEK_API_KEY", "deepseek/deepseek-chat"),
    Start("XAI_API_KEY", "xai/grok-3-mini"),
    Start("TOGETHER_API_KEY", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    Start("FIREWORKS_API_KEY", "fireworks/accounts/fireworks/models/llama-v3p3-70b-instruct"),
    Start("OPENROUTER_API_KEY", "openrouter/openai/gpt-4.1-mini"),
)
SCRIPTED = Start("", "scripted/scripted-small@1")
SCRIPTED_URL = "http://127.0.0.1:9600/v1"


def choose_start(environ: Mapping[str, str]) -> Start:
    """The first provider the environment has a key for; without one, the scripted model, which needs none."""
    return next((start for start in STARTS if environ.get(start.variable)), SCRIPTED)


def first_files(name: str, start: Start) -> dict[str, str]:
    """Relative path -> text."""
    return {
        "seawall.yaml": _process(start),
        f"features/{name}.yaml": _feature(name, start),
        "README.md": _readme(name, start),
    }


def _process(start: Start) -> str:
    text = """\
# The process. Everything here has a default; `seawall schema project` lists what there is.
seawall: 1
listen: 127.0.0.1:4949
"""
    if start is not SCRIPTED:
        return text
    return f"""{text}
providers:
  # A model that answers by rule, on this machine: no key, no cost. Replace it with your own.
  scripted:
    kind: openai
    base_url: {SCRIPTED_URL}
"""


def _feature(name: str, start: Start) -> str:
    return f"""\
# One LLM feature. `seawall explain {name}` shows every default and where it comes from.
seawall: 1
feature: {name}
version: 0.1.0

intent:
  purpose: Answer customers' questions about orders and returns.
  owner: you
  request_type: realtime # realtime 2 s | extraction 15 s | reasoning 60 s | classification 500 ms

input:
  size: 32 KiB
  rate: 60/min per key

llm:
  targets:
    - {start.target}
  deadline:
    total: 10 s
"""


def _readme(name: str, start: Start) -> str:
    first = (
        f"export {start.variable}=…" if start.variable else "seawall scripted    # the model of this example"
    )
    return f"""\
# {name}

    {first}
    seawall check       # is everything in order?
    seawall serve       # http://127.0.0.1:4949/v1

Any OpenAI SDK reaches the feature with that `base_url` and `model="{name}"`.

`seawall.yaml` is the process, `features/{name}.yaml` the feature: what it is for, what it lets in, which
models it asks. When an answer is wrong, change the feature's file, not the answer.
"""
