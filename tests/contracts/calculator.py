"""Twilio's own calculator, npm's sms-segments-calculator, run for real.

`python -m tests.contracts.calculator` renews what is kept of its answers for machines without Node.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.contracts.node import HERE, installed
from tests.core.segments_counted import keep, texts

HOLDS: Final = 140 * 8
"""Bits of one segment."""


class Counted(NamedTuple):
    """`fullest` and `smart_fullest`: bits in the fullest of its segments; `smart`: segments with
    Smart Encoding; `text`: as that leaves it."""

    segments: int
    fullest: int
    smart: int
    smart_fullest: int
    text: str

    @property
    def kept(self) -> tuple[int, int]:
        """0 for what cannot be: its segments would hold more than there is room for."""
        return self.segments * (self.fullest <= HOLDS), self.smart * (self.smart_fullest <= HOLDS)


async def counted(texts: Sequence[str]) -> list[Counted]:
    await installed(
        "sms-segments-calculator/dist/index.js", "count segments with Twilio's own calculator"
    )
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "segments.js"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(texts).encode())
    assert process.returncode == 0
    return [Counted(*answer) for answer in json.loads(said)]


if __name__ == "__main__":
    keep(*map(list, zip(*(one.kept for one in asyncio.run(counted(texts()))), strict=True)))
