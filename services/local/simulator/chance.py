"""Randomness that does not depend on the order of arrival: each draw is a hash of the seed and of what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Chance:
    def __init__(self, seed: int | str) -> None:
        self._key = str(seed).encode()[:64]

    def draw(self, *what: object) -> float:
        """A number in [0, 1), the same for the same seed and `what`."""
        return int.from_bytes(self._digest(8, what), "big") / 2**64

    def between(self, bounds: tuple[float, float], *what: object) -> float:
        low, high = bounds
        return low if low == high else low + (high - low) * self.draw(*what)

    def pick(self, weights: Mapping[T, float], *what: object) -> T:
        """One of them, in proportion to its weight."""
        left = self.draw(*what) * sum(weights.values())
        for one, weight in weights.items():
            left -= weight
            if left < 0:
                return one
        return one

    def sid(self, prefix: str, *what: object) -> str:
        """A Twilio SID: two letters and 32 hex digits."""
        return prefix + self._digest(16, (prefix, *what)).hex()

    def _digest(self, size: int, what: tuple[object, ...]) -> bytes:
        return blake2b("|".join(map(str, what)).encode(), digest_size=size, key=self._key).digest()
