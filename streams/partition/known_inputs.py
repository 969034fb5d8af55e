"""By what a task knows its input topics again: more than a name and an offset.

`streams.runtime.topic_identity` says why, and compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.topics import Topic
from streams.partition.changelog import InputTopic, LastRecord
from streams.partition.decoding import Record


class KnownInputs:
    def __init__(self) -> None:
        self.by_topic: dict[str, InputTopic] = {}

    def restore(self, known: Mapping[str, InputTopic], topics: Iterable[str]) -> None:
        self.by_topic = {topic: one for topic, one in known.items() if topic in topics}

    def forget(self, topic: str) -> None:
        self.by_topic.pop(topic, None)

    def note_ids(self, ids: Mapping[str, str], topics: Iterable[str]) -> bool:
        """The broker's ids of the input topics.  Whether one was not known yet."""
        is_news = False
        for topic, topic_id in ids.items():
            known = self.by_topic.get(topic, InputTopic())
            if topic in topics and known.topic_id != topic_id:
                self.by_topic[topic] = known._replace(topic_id=topic_id)
                is_news = True
        return is_news

    def find_recreated(self, ids: Mapping[str, str], positions: Mapping[str, int]) -> list[str]:
        """Topics that are not the ones of which something was read.  `ids`: the broker's, now."""
        return [
            topic
            for topic, known in self.by_topic.items()
            if positions.get(topic)
            and known.topic_id is not None
            and ids.get(topic, known.topic_id) != known.topic_id
        ]

    def note_last(
        self, records: Mapping[str, Record], topics: Mapping[str, Topic[Any]]
    ) -> Mapping[str, InputTopic]:
        """The last record of each topic stays known until a batch has read another.  Of compacted
        topics none: there a record may go because a newer one has its key."""
        for topic, record in records.items():
            if not topics[topic].compacted:
                known = self.by_topic.get(topic, InputTopic())
                self.by_topic[topic] = known._replace(last=LastRecord.of(record))
        return self.by_topic
