import inspect

from seawall.gateway.backend import Backend

from tests.unit.gateway.harness import FakeBackend


def test_the_fake_of_these_tests_has_the_shape_of_the_real_thing():
    for name, method in inspect.getmembers(Backend, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(method) == inspect.signature(getattr(FakeBackend, name))
