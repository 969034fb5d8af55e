"""Which record made it so."""

from __future__ import annotations

from typing import Final

from schemas.base import Evidence
from schemas.topics import ATTEMPTS, DELIVERY_RECEIPTS
from streams.lifecycle import ATTEMPT, RECEIPT, STRENGTH
from streams.outcomes.state import Life, Report
from streams.outcomes.story import story

TOPICS: Final = {ATTEMPT: ATTEMPTS.name, RECEIPT: DELIVERY_RECEIPTS.name}


def telling(life: Life) -> Report | None:
    """Of the reports that brought the code which was told, the strongest; without a code the strongest of all."""
    known = story(life)
    if known is None or life.told is None:
        return None
    code = life.told.error_code
    said = (one for one in known.reports if one.source in TOPICS and code in (None, one.code))
    return max(said, key=lambda one: STRENGTH[one.source, one.word], default=None)


def evidence(life: Life) -> Evidence:
    """Its place, which `origin` has in one word too: whoever passes the evidence on may put a place of their own."""
    report = telling(life)
    words = " ".join(filter(None, (life.told.state, life.told.error_code))) if life.told else None
    if report is None or report.offset is None:
        return Evidence(text=words)
    topic = TOPICS[report.source]
    origin = f"{topic}@{report.partition}:{report.offset}"
    return Evidence(
        topic=topic, partition=report.partition, offset=report.offset, origin=origin, text=words
    )
