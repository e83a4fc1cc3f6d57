"""Composition, and what the core may import."""

import asyncio
import subprocess
import sys

from seawall.core.call import Call
from seawall.core.events import Event, MessageEnd, MessageStart
from seawall.core.handler import Emit, Handler, compose

from tests.support.fakes import call


def test_the_first_layer_is_the_outermost() -> None:
    order: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __call__(self, call: Call, emit: Emit, inner: Handler) -> None:
            async def seen(event: Event) -> None:
                order.append(f"{self.name} {type(event).__name__}")
                await emit(event)

            order.append(f"{self.name} in")
            await inner(call, seen)
            order.append(f"{self.name} out")

    async def endpoint(call: Call, emit: Emit) -> None:
        await emit(MessageStart("a", "m", 0))
        await emit(MessageEnd(("stop",)))

    async def swallow(event: Event) -> None:
        return None

    asyncio.run(compose([Named("outer"), Named("inner")], endpoint)(call(), swallow))  # type: ignore[arg-type]

    assert order == [
        "outer in",
        "inner in",
        "inner MessageStart",
        "outer MessageStart",
        "inner MessageEnd",
        "outer MessageEnd",
        "inner out",
        "outer out",
    ]


def test_the_core_imports_the_standard_library_and_msgspec_only() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import seawall.core.ports, seawall.core.handler, seawall.core.contract, seawall.core.accumulate\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'seawall', 'msgspec', 'typing_extensions'}))"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
