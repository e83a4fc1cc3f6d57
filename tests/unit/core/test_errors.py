"""The error tree keeps its promises."""

import inspect

from seawall.core import errors
from seawall.core.errors import CallError, ProviderError, SeawallError, SpecError

CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, SeawallError) and each.__module__ == errors.__name__
]


def test_the_tree_drawn_at_the_head_names_every_class() -> None:
    drawn = errors.__doc__ or ""

    assert [each.__name__ for each in CLASSES if each.__name__ not in drawn] == []


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [each.code for each in CLASSES if "code" in vars(each)]

    assert len(codes) == len(set(codes))


def test_a_call_error_has_a_status_a_client_understands() -> None:
    assert all(400 <= each.status < 600 for each in CLASSES if issubclass(each, CallError))


def test_every_kind_of_provider_error_says_what_may_be_done() -> None:
    for code, (status, retryable, elsewhere) in ProviderError.KINDS.items():
        error = ProviderError(code, "it failed")

        assert (error.status, error.retryable, error.elsewhere) == (status, retryable, elsewhere)
        assert not (retryable and not elsewhere), (
            f"{code}: what a retry may mend another target may mend as well"
        )


def test_a_spec_error_reads_place_problem_hint() -> None:
    error = SpecError(
        "unknown guard 'injecton'. Did you mean 'injection'?",
        file="features/support.yaml",
        line=14,
        path="input.guards[1].use",
        hint="Installed guards: injection, pii",
    )

    assert str(error).splitlines() == [
        "features/support.yaml:14  input.guards[1].use",
        "  unknown guard 'injecton'. Did you mean 'injection'?",
        "  Installed guards: injection, pii",
    ]
