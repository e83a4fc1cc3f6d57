"""What is known of the vendors that speak OpenAI's chat API: where they are, and how they differ.

A field is listed as unsupported where the vendor's documentation says that it is refused or ignored. What a
vendor refuses by itself, model by model, is left to it: its error reaches the caller.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from msgspec import Struct

from seawall.core.errors import SpecConflict
from seawall.wire.openai_chat import Capabilities

_SAMPLERS = frozenset({"top_k", "min_p", "repetition_penalty"})


class Vendor(Struct, frozen=True):
    """One vendor, or one kind of server that people run themselves."""

    base_url: str
    """Where it is unless the spec says otherwise; empty if there is no usual place."""
    key_variable: str
    """The environment variable that usually holds its key."""
    keyless: bool = False
    """Whether it usually runs without a key."""
    version_joint: str = "-"
    """What stands between a model's name and its version; empty where versions are only our own label."""
    chat: Capabilities = Capabilities()


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "openai": Vendor(
            "https://api.openai.com/v1",
            "OPENAI_API_KEY",
            chat=Capabilities(
                max_tokens="max_completion_tokens",
                developer_role=True,
                user=True,
                metadata=True,
                custom_tools=True,
                extras=frozenset(
                    {
                        "prediction",
                        "prompt_cache_key",
                        "prompt_cache_retention",
                        "safety_identifier",
                        "service_tier",
                        "store",
                        "verbosity",
                    }
                ),
            ),
        ),
        "mistral": Vendor(
            "https://api.mistral.ai/v1",
            "MISTRAL_API_KEY",
            chat=Capabilities(
                seed="random_seed",
                stream_options=False,
                message_names=False,
                unsupported=frozenset({"logit_bias", "logprobs", "top_logprobs"}),
                extras=frozenset({"prediction", "prompt_mode", "safe_prompt"}),
            ),
        ),
        "groq": Vendor(
            "https://api.groq.com/openai/v1",
            "GROQ_API_KEY",
            chat=Capabilities(
                max_tokens="max_completion_tokens",
                message_names=False,
                user=True,
                unsupported=frozenset({"logit_bias", "logprobs", "n", "top_logprobs"}),
                extras=frozenset({"include_reasoning", "reasoning_format", "service_tier"}),
            ),
        ),
        "deepseek": Vendor(
            "https://api.deepseek.com/v1",
            "DEEPSEEK_API_KEY",
            chat=Capabilities(
                json_schema=False,
                reasoning_field="reasoning_content",
                unsupported=frozenset({"logit_bias", "n", "seed"}),
                extras=frozenset({"thinking"}),
            ),
        ),
        "openrouter": Vendor(
            "https://openrouter.ai/api/v1",
            "OPENROUTER_API_KEY",
            chat=Capabilities(
                user=True,
                reasoning_field="reasoning",
                unsupported=frozenset({"n"}),
                # Not `models` and `route`: which model answers is decided, priced and recorded here.
                extras=_SAMPLERS | {"include_reasoning", "provider", "reasoning", "top_a", "verbosity"},
            ),
        ),
        "together": Vendor(
            "https://api.together.xyz/v1", "TOGETHER_API_KEY", chat=Capabilities(extras=_SAMPLERS)
        ),
        "fireworks": Vendor(
            "https://api.fireworks.ai/inference/v1",
            "FIREWORKS_API_KEY",
            chat=Capabilities(user=True, extras=_SAMPLERS | {"service_tier"}),
        ),
        "xai": Vendor(
            "https://api.x.ai/v1",
            "XAI_API_KEY",
            chat=Capabilities(
                max_tokens="max_completion_tokens", user=True, unsupported=frozenset({"logit_bias"})
            ),
        ),
        "ollama": Vendor(
            "http://127.0.0.1:11434/v1",
            "OLLAMA_API_KEY",
            keyless=True,
            version_joint=":",
            chat=Capabilities(unsupported=frozenset({"logit_bias", "n"})),
        ),
        "vllm": Vendor(
            "http://127.0.0.1:8000/v1",
            "VLLM_API_KEY",
            keyless=True,
            version_joint="",
            chat=Capabilities(
                user=True,
                reasoning_field="reasoning_content",
                # Not `chat_template`: a template of the caller's could undo the system prompt.
                extras=_SAMPLERS
                | {
                    "ignore_eos",
                    "length_penalty",
                    "min_tokens",
                    "skip_special_tokens",
                    "stop_token_ids",
                    "structured_outputs",
                },
            ),
        ),
        "llamacpp": Vendor(
            "http://127.0.0.1:8080/v1",
            "LLAMA_API_KEY",
            keyless=True,
            version_joint="",
            chat=Capabilities(
                reasoning_field="reasoning_content",
                extras=frozenset(
                    {"cache_prompt", "grammar", "min_p", "repeat_penalty", "top_k", "typical_p"}
                ),
            ),
        ),
        "lmstudio": Vendor(
            "http://127.0.0.1:1234/v1",
            "LMSTUDIO_API_KEY",
            keyless=True,
            version_joint="",
            chat=Capabilities(extras=frozenset({"repeat_penalty", "top_k"})),
        ),
        "compatible": Vendor(
            "", "", keyless=True, version_joint="", chat=Capabilities(user=True, extras=_SAMPLERS)
        ),
    }
)
"""By the name that a spec uses; `compatible` is any other server that speaks this API."""


def find_vendor(name: str) -> Vendor:
    """The vendor called *name*. Raises `SpecConflict` that lists the known ones."""
    try:
        return VENDORS[name]
    except KeyError:
        close = get_close_matches(name, VENDORS, n=1)
        suggestion = f". Did you mean {close[0]!r}?" if close else ""
        raise SpecConflict(
            f"unknown vendor {name!r}{suggestion}",
            hint=f"Known vendors: {', '.join(sorted(VENDORS))}",
        ) from None
