"""Which handler answers which method and path, and who may have it answered.

Paths are compared byte by byte as they came: nothing is decoded or normalised, so there is one spelling of
each path and no other reaches its handler.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Literal

from msgspec import Struct

from seawall.core.call import Principal
from seawall.gateway.exchange import Exchange, Handler

GuardedHandler = Callable[[Exchange, Principal], Coroutine[Any, Any, None]]

Permission = Literal[
    "public",
    "call",  # any valid key
    "admin",  # an admin key
    "local",  # an admin key, or a client on this machine that came through no proxy
]


class OpenRoute(Struct, frozen=True):
    """A route whose handler gets no principal."""

    method: str
    path: str
    permission: Literal["public", "local"]
    handler: Handler
    subtree: bool = False


class GuardedRoute(Struct, frozen=True):
    """A route whose handler gets the principal, which therefore exists."""

    method: str
    path: str
    permission: Literal["call", "admin"]
    handler: GuardedHandler
    subtree: bool = False
    """Everything below `path` (which then ends with a slash) as well."""


Route = OpenRoute | GuardedRoute


class Routes:
    """The table of routes. There is no way into it without a permission."""

    def __init__(self) -> None:
        self._exact: dict[tuple[bytes, bytes], Route] = {}
        self._subtrees: list[tuple[bytes, bytes, Route]] = []
        self._methods: dict[bytes, set[bytes]] = {}

    def add(self, route: Route) -> None:
        """Take *route*. Raises `ValueError` when it says nothing new or its path is not one."""
        method, path = route.method.encode("ascii"), route.path.encode("ascii")
        if route.subtree != path.endswith(b"/") or not path.startswith(b"/") or b"?" in path:
            raise ValueError(f"{route.path!r} is no path of a route (a subtree ends with a slash, no other)")
        expected = ("call", "admin") if isinstance(route, GuardedRoute) else ("public", "local")
        if route.permission not in expected:
            raise ValueError(f"{route.path!r} declares the permission {route.permission!r}, not {expected}")
        if route.method in {m for m, p, _ in self._described() if p == route.path}:
            raise ValueError(f"{route.method} {route.path!r} is registered already")
        if route.subtree:
            self._subtrees.append((method, path, route))
        else:
            self._exact[(method, path)] = route
        self._methods.setdefault(path, set()).add(method)

    def find(self, method: bytes, path: bytes) -> Route | None:
        """The route of *method* and *path*."""
        route = self._exact.get((method, path))
        if route is None:
            for its_method, prefix, candidate in self._subtrees:
                if its_method == method and path.startswith(prefix) and len(path) > len(prefix):
                    return candidate
        return route

    def methods(self, path: bytes) -> list[str]:
        """The methods that *path* answers to; empty when there is no such path."""
        found = set(self._methods.get(path, ())) if not path.endswith(b"/") else set()
        for method, prefix, _ in self._subtrees:
            if path.startswith(prefix) and len(path) > len(prefix):
                found.add(method)
        return sorted(method.decode("ascii") for method in found)

    def __iter__(self) -> Iterator[Route]:
        yield from self._exact.values()
        for _, _, route in self._subtrees:
            yield route

    def _described(self) -> Iterator[tuple[str, str, str]]:
        for route in self:
            yield route.method, route.path, route.permission
