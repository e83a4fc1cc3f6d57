"""How one vendor's rendering of the chat API differs from the others'."""

from msgspec import Struct


class Capabilities(Struct, frozen=True):
    """What a vendor's chat endpoint takes, and under which spelling.

    The defaults describe the oldest common form, which nearly every compatible server takes.
    """

    max_tokens: str = "max_tokens"
    """The field for the limit on output tokens; OpenAI's reasoning models refuse the old `max_tokens`."""
    seed: str = "seed"
    """The field for the seed."""
    stream_options: bool = True
    """Whether usage has to be asked for when streaming (and may be: some refuse unknown fields)."""
    developer_role: bool = False
    """Whether there are `developer` messages; elsewhere they travel as `system`."""
    message_names: bool = True
    """Whether a message may carry a `name`."""
    user: bool = False
    """Whether the end user's id is forwarded; where not, it stays in our record."""
    metadata: bool = False
    """Whether metadata is forwarded along with `store: true`, as OpenAI demands; otherwise it stays ours."""
    json_schema: bool = True
    """Whether the vendor constrains the answer to a JSON Schema itself."""
    custom_tools: bool = False
    """Whether tools may take free text."""
    reasoning_field: str = ""
    """Where earlier reasoning is sent back; empty where the vendor wants none, and then it is left out."""
    unsupported: frozenset[str] = frozenset()
    """Standard fields the vendor refuses or, worse, ignores: asking for them is an error."""
    extras: frozenset[str] = frozenset()
    """Fields beyond the vocabulary that are forwarded as they are."""
