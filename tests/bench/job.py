"""The plain job: events of 265 bytes, by key; each is counted in its key's row and answered by
one record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

KEYS: Final = 1000
BYTES: Final = 265
PARTITIONS: Final = 4
TEXT: Final = "Your papers are ready. "


def key_of(i: int) -> str:
    """Spread so that neighbours differ, as texts to many numbers do."""
    return f"k{i * 7919 % KEYS:04d}"


def events(count: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value), numbered from 1."""
    for i in range(1, count + 1):
        bare = {
            "key": key_of(i),
            "i": i,
            "tenant": "harbor",
            "at": "2026-03-02T15:04:05.678Z",
            "body": "",
        }
        body = (TEXT * 9)[: BYTES - len(json.dumps(bare))]
        yield key_of(i).encode(), json.dumps({**bare, "body": body}).encode()


def wrong(values: list[bytes], count: int) -> str:
    """What is wrong with the outputs of `count` events, or nothing: each event once, each key
    counted without a gap."""
    said: list[dict[str, Any]] = [json.loads(value) for value in values]
    if sorted(one["i"] for one in said) != list(range(1, count + 1)):
        return f"{len(said)} outputs, of {len({one['i'] for one in said})} of {count} events"
    wanted, last = Counter(key_of(i) for i in range(1, count + 1)), Counter[str]()
    for one in said:
        if one["key"] != key_of(one["i"]) or one["n"] != last[one["key"]] + 1:
            return f"{one['key']} was counted {one['n']} after {last[one['key']]}"
        last[one["key"]] = one["n"]
    return "" if last == wanted else "the counts do not add up"
