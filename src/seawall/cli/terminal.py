"""What models and users wrote, as it may be printed: no text takes over the terminal it is shown on."""

import re

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """*text* with control and bidirectional characters shown as escapes; line breaks and tabs stay."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found.group()):02x}", text.replace("\r\n", "\n"))
