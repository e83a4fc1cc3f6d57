"""Seawall: the production layer between an application and its language models.

    import seawall

    async with seawall.open(".") as app:
        answer = await app.feature("support-answer").complete("Where is my refund?")
        print(answer.text)

Names are imported when they are first used, so that `import seawall` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Answer": "seawall.core.accumulate",
    "CallError": "seawall.core.errors",
    "Event": "seawall.core.events",
    "FeatureHandle": "seawall.library.facade",
    "Media": "seawall.core.messages",
    "Message": "seawall.core.messages",
    "MessageEnd": "seawall.core.events",
    "MessageStart": "seawall.core.events",
    "OutputInvalid": "seawall.core.errors",
    "PartDelta": "seawall.core.events",
    "PartEnd": "seawall.core.events",
    "PartStart": "seawall.core.events",
    "Principal": "seawall.core.call",
    "ProviderError": "seawall.core.errors",
    "RateLimited": "seawall.core.errors",
    "Reasoning": "seawall.core.messages",
    "Rejected": "seawall.core.errors",
    "ResponseFormat": "seawall.core.request",
    "Seawall": "seawall.library.facade",
    "SeawallError": "seawall.core.errors",
    "SpecError": "seawall.core.errors",
    "Text": "seawall.core.messages",
    "ToolCall": "seawall.core.messages",
    "ToolChoice": "seawall.core.request",
    "ToolResult": "seawall.core.messages",
    "ToolSpec": "seawall.core.messages",
    "Usage": "seawall.core.events",
}
_RENAMED = {"open": ("seawall.library.facade", "open_project")}

__all__ = [
    "Answer",
    "CallError",
    "Event",
    "FeatureHandle",
    "Media",
    "Message",
    "MessageEnd",
    "MessageStart",
    "OutputInvalid",
    "PartDelta",
    "PartEnd",
    "PartStart",
    "Principal",
    "ProviderError",
    "RateLimited",
    "Reasoning",
    "Rejected",
    "ResponseFormat",
    "Seawall",
    "SeawallError",
    "SpecError",
    "Text",
    "ToolCall",
    "ToolChoice",
    "ToolResult",
    "ToolSpec",
    "Usage",
    "__version__",
    "open",
]

if TYPE_CHECKING:
    from seawall.core.accumulate import Answer
    from seawall.core.call import Principal
    from seawall.core.errors import (
        CallError,
        OutputInvalid,
        ProviderError,
        RateLimited,
        Rejected,
        SeawallError,
        SpecError,
    )
    from seawall.core.events import Event, MessageEnd, MessageStart, PartDelta, PartEnd, PartStart, Usage
    from seawall.core.messages import Media, Message, Reasoning, Text, ToolCall, ToolResult, ToolSpec
    from seawall.core.request import ResponseFormat, ToolChoice
    from seawall.library.facade import FeatureHandle, Seawall
    from seawall.library.facade import open_project as open  # noqa: A004


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        home, attribute = _RENAMED[name]
    elif name in _HOMES:
        home, attribute = _HOMES[name], name
    else:
        raise AttributeError(f"module 'seawall' has no attribute {name!r}")
    return getattr(importlib.import_module(home), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
