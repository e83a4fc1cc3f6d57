"""Numbers drawn by hashing: the same seed, request and label give the same number, on any machine."""

from hashlib import blake2b
from statistics import NormalDist

_SPAN = float(1 << 64)
_NORMAL = NormalDist()


class Draw:
    """A source of numbers. Each is asked for by a label, so that one draw more never moves another."""

    __slots__ = ("_key",)

    def __init__(self, *parts: str | bytes | int) -> None:
        digest = blake2b(digest_size=32)
        for part in parts:
            piece = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
            digest.update(len(piece).to_bytes(8, "big"))
            digest.update(piece)
        self._key = digest.digest()

    def _bits(self, label: str) -> int:
        return int.from_bytes(blake2b(label.encode(), digest_size=8, key=self._key).digest(), "big")

    def unit(self, label: str) -> float:
        """A number from 0 up to, not including, 1."""
        return self._bits(label) / _SPAN

    def below(self, label: str, limit: int) -> int:
        """A whole number from 0 up to, not including, *limit*."""
        return self._bits(label) % limit

    def happens(self, label: str, rate: float) -> bool:
        """Whether something that happens at *rate* (0 to 1) happens now."""
        return self.unit(label) < rate

    def normal(self, label: str) -> float:
        """A number from the standard normal distribution."""
        return _NORMAL.inv_cdf(min(max(self.unit(label), 1e-9), 1 - 1e-9))

    def name(self, label: str, length: int = 24) -> str:
        """Hexadecimal digits to make an id of; at most 64."""
        return blake2b(label.encode(), digest_size=32, key=self._key).hexdigest()[:length]

    def child(self, label: str) -> "Draw":
        """A source of its own for a part of the work."""
        return Draw(self._key, label)
