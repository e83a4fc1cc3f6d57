"""The chat dialect of the OpenAI API (`POST /chat/completions`), spoken to callers and to providers."""

from seawall.wire.openai_chat.answer import decode_answer, encode_answer
from seawall.wire.openai_chat.dialect import Capabilities
from seawall.wire.openai_chat.frames import DONE, StreamEncoder
from seawall.wire.openai_chat.request import decode_request, encode_request
from seawall.wire.openai_chat.stream import StreamDecoder

__all__ = [
    "DONE",
    "Capabilities",
    "StreamDecoder",
    "StreamEncoder",
    "decode_answer",
    "decode_request",
    "encode_answer",
    "encode_request",
]
