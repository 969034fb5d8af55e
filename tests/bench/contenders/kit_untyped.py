"""The plain job through the kit as in `kit`, but with events read as the other contenders read
them: parsed, and no field looked at.  Key and partition are checked all the same."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from schemas.topics import Topic
from streams.processing import InputRecord, Publication, Settings, StateStore, StepResult
from streams.processor import Processor
from tests.bench.contenders.kit import Count, work
from tests.bench.contenders.options import Told, told

Event = dict[str, Any]


def counting(given: Told) -> Processor:
    day = timedelta(days=1)
    source = Topic[Any](given.source, dict, lambda m: m["key"], day, "what happened")
    output = Topic[Any](given.output, dict, lambda m: m["key"], day, "how often")

    def process(
        state: StateStore, record: InputRecord, now: datetime, settings: Settings
    ) -> StepResult:
        event: Event = record.value
        was = state.get("", Count) or Count()
        row = Count(n=was.n + 1, total=was.total + event["i"])
        said: Any = {"key": event["key"], "i": event["i"], "n": row.n}
        return StepResult({"": row}, (Publication(output, said),))

    return Processor(given.name, process=process, topics=(source,))


if __name__ == "__main__":
    given = told()
    asyncio.run(work(counting(given), given))
