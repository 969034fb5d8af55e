"""How often a key may call: a token bucket for each key, in memory.

Each process counts for itself. A bucket holds ten seconds' worth of calls, so that a burst passes.
The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from services.console.api.keys import ApiKey

BURST: Final = 10
"""Seconds' worth of calls."""


class Allowance(NamedTuple):
    allowed: bool
    headers: Mapping[str, str]


class RateLimit:
    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}
        """By key: tokens, and when they were counted."""

    def take(self, key: ApiKey, now: float) -> Allowance:
        """One call. `now`: seconds, on a clock that never goes back."""
        most = key.rate * BURST
        tokens, since = self._buckets.get(key.id, (float(most), now))
        tokens = min(float(most), tokens + (now - since) * key.rate)
        allowed = tokens >= 1
        tokens -= allowed
        self._buckets[key.id] = (tokens, now)
        headers = {
            "RateLimit-Policy": f'"calls";q={most};w={BURST}',
            "RateLimit": f'"calls";r={int(tokens)};t={math.ceil((most - tokens) / key.rate)}',
        }
        if not allowed:
            headers["Retry-After"] = str(math.ceil((1 - tokens) / key.rate))
        return Allowance(allowed, headers)
