"""A value that must not be shown."""

from typing import NoReturn


class Secret:
    """Holds a secret. Printing, formatting, comparing, pickling or encoding it never gives it away."""

    __slots__ = ("_value", "name")

    def __init__(self, value: str, name: str = "") -> None:
        self._value = value
        self.name = name
        """Where it came from (`${OPENAI_API_KEY}`, a file): safe to show."""

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret(from {self.name})" if self.name else "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied into a file")
