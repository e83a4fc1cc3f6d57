"""One error in, one error out: for the places where a task group meets a caller."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collapse_groups() -> Iterator[None]:
    """Raise the one error inside an exception group of one, however deep, as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if error is group:
            raise
        raise error from error.__cause__
