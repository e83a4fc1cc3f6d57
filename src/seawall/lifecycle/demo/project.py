"""The demo's project: what a small shop would write to run its customer service through Seawall."""

from pathlib import Path
from typing import Any

import msgspec

from seawall.core.errors import SeawallError

DIGESTS = 3
"""So many summaries the night job may ask for; the demo's job asks for more."""
MOST_TOKENS = 400
"""The support feature's ceiling; a caller who asks for more is refused."""
MOST_QUESTION = 8 * 1024
"""Bytes of a question to the support feature."""

ORDER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "description": "the number of the order"},
        "customer": {"type": "string", "description": "the customer's name"},
        "email": {"type": "string", "description": "the customer's address"},
        "wish": {"enum": ["return", "exchange", "refund", "question"]},
        "items": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["order_id", "customer", "email", "wish", "items"],
    "additionalProperties": False,
}

_FILES = {
    "seawall.yaml": """\
# Two suppliers of the same models. The second is there for the day the first one is not.
seawall: 1
providers:
  primary: {kind: openai, vendor: openai, base_url: "PRIMARY"}
  backup: {kind: openai, vendor: openai, base_url: "BACKUP"}
default:
  llm:
    deadline: {total: 12 s, first_token: 2 s}
""",
    "features/support.yaml": """\
seawall: 1
feature: support
version: 1.2.0
intent:
  purpose: Answer customers' questions about their orders, from the order table.
  owner: demo
  request_type: realtime
input:
  size: MOST_QUESTION B
  rate: 2000/min per key
context:
  prompt:
    file: ../prompts/support.md
    variables: {question: user}
    date: today
llm:
  targets: [primary/scripted-small@2026-02-01, backup/scripted-small@2026-02-01]
  temperature: 0
  max_tokens: MOST_TOKENS
  deadline: {total: 8 s, first_token: 1200 ms, idle: 1500 ms}
""",
    "prompts/support.md": """\
--- system
You answer customers of a lamp shop in a friendly and short way. Look orders up before you answer.
--- user
{{question}}
""",
    "features/read-mail.yaml": """\
seawall: 1
feature: read-mail
version: 1.0.3
intent:
  purpose: Turn customers' mails into forms that the warehouse can work with.
  owner: demo
  request_type: extraction
context:
  prompt:
    file: ../prompts/read-mail.md
    variables: {mail: user}
llm:
  targets: [primary/scripted-fast@2026-02-01, backup/scripted-fast@2026-02-01]
  temperature: 0
  deadline: {total: 8 s, first_token: 2 s}
validation:
  output: ../schemas/mail.json
""",
    "prompts/read-mail.md": """\
--- system
Extract what the customer wants from the mail, as JSON.
--- user
{{mail}}
""",
    "features/triage.yaml": """\
seawall: 1
feature: triage
version: 2.0.0
intent:
  purpose: Send each message to the desk that can answer it.
  owner: demo
  request_type: classification
context:
  prompt:
    file: ../prompts/triage.md
    variables: {message: user}
llm:
  targets: [primary/scripted-fast@2026-01-15, backup/scripted-fast@2026-01-15]
  temperature: 0
  max_tokens: 8
  deadline: {total: 4 s, first_token: 1 s}
""",
    "prompts/triage.md": """\
--- system
Classify the customer's message as one of: delivery, payment, refund, praise. Answer with the label only.
--- user
{{message}}
""",
    "features/day-digest.yaml": """\
seawall: 1
feature: day-digest
version: 0.1.0
intent:
  purpose: Tell the team in the morning what happened the day before.
  owner: demo
  request_type: reasoning
input:
  rate: DIGESTS/10 min per key
llm:
  targets: [backup/scripted-fast@2026-02-01]
  deadline: {total: 10 s}
""",
}


def write_project(folder: Path, *, primary: str, backup: str) -> None:
    """Write the project into *folder*, with the addresses of its two providers.

    Raises `SeawallError` rather than overwrite a file.
    """
    files = {**_FILES, "schemas/mail.json": msgspec.json.format(msgspec.json.encode(ORDER_SCHEMA)).decode()}
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise SeawallError(
            f"not overwritten in {str(folder)!r}: {', '.join(taken)}", hint="Choose an empty folder"
        )
    values = {
        "PRIMARY": primary,
        "BACKUP": backup,
        "DIGESTS": str(DIGESTS),
        "MOST_TOKENS": str(MOST_TOKENS),
        "MOST_QUESTION": str(MOST_QUESTION),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for word, value in values.items():
            text = text.replace(word, value)
        path.write_text(text, encoding="utf-8")
