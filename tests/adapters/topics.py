"""Everything that stands on a topic of ours."""

from __future__ import annotations

from typing import Any

from aiokafka import ConsumerRecord

from schemas.topics import Topic
from tests import read_committed


async def records(bootstrap: str, topic: Topic[Any]) -> list[ConsumerRecord]:
    return await read_committed.records(bootstrap, topic.name)
