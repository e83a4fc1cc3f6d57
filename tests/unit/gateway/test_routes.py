import pytest

from seawall.core.call import Principal
from seawall.gateway.exchange import Exchange
from seawall.gateway.routes import GuardedRoute, OpenRoute, Routes


async def open_handler(exchange: Exchange) -> None: ...


async def guarded_handler(exchange: Exchange, principal: Principal) -> None: ...


def test_a_route_cannot_be_made_without_a_permission():
    with pytest.raises(TypeError, match="permission"):
        OpenRoute("GET", "/a", handler=open_handler)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="permission"):
        GuardedRoute("GET", "/a", handler=guarded_handler)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "route",
    [
        GuardedRoute("GET", "/a", "public", guarded_handler),  # type: ignore[arg-type]
        OpenRoute("GET", "/a", "call", open_handler),  # type: ignore[arg-type]
        OpenRoute("GET", "/a", "", open_handler),  # type: ignore[arg-type]
        OpenRoute("GET", "a", "public", open_handler),
        OpenRoute("GET", "/a/", "public", open_handler),
        OpenRoute("GET", "/a", "public", open_handler, subtree=True),
        OpenRoute("GET", "/a?b", "public", open_handler),
    ],
)
def test_a_route_that_contradicts_itself_is_refused(route: OpenRoute | GuardedRoute):
    with pytest.raises(ValueError, match="'"):
        Routes().add(route)


def test_a_route_is_registered_once():
    routes = Routes()
    routes.add(OpenRoute("GET", "/a", "public", open_handler))
    routes.add(OpenRoute("POST", "/a", "public", open_handler))
    with pytest.raises(ValueError, match="already"):
        routes.add(GuardedRoute("GET", "/a", "admin", guarded_handler))
    assert routes.methods(b"/a") == ["GET", "POST"]


def test_a_path_is_found_as_it_is_written_and_no_other_way():
    routes = Routes()
    exact = OpenRoute("GET", "/a/b", "public", open_handler)
    below = GuardedRoute("GET", "/m/", "call", guarded_handler, subtree=True)
    routes.add(exact)
    routes.add(below)
    assert routes.find(b"GET", b"/a/b") is exact
    assert routes.find(b"GET", b"/m/x/y") is below
    for path in (b"/a/b/", b"/A/b", b"/a%2fb", b"/a//b", b"/m/", b"/m", b"", b"*"):
        assert routes.find(b"GET", path) is None
        assert routes.methods(path) == []
    assert routes.find(b"POST", b"/a/b") is None
    assert routes.methods(b"/m/x") == ["GET"]
    assert list(routes) == [exact, below]
