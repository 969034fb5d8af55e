"""Records as they leave a fetch: a tuple each, where aiokafka builds a frozen dataclass of eleven
fields.

That object took as long as parsing the record's value.  The fields that we read keep aiokafka's
names.  This module does without Faust, for readers that need no Faust use it too.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from aiokafka.consumer import fetcher


class FetchedRecord(NamedTuple):
    """`timestamp` in milliseconds since 1970, UTC."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


STOCK_PARTITION_RECORDS: Final[Any] = fetcher.PartitionRecords
"""aiokafka's own class."""
_tuple = tuple.__new__  # a NamedTuple's own constructor takes twice as long


class LightRecords(STOCK_PARTITION_RECORDS):  # type: ignore[misc]
    """The records of one partition in one fetch; aiokafka still decides what is skipped."""

    def _consumer_record(self, tp: Any, record: Any) -> FetchedRecord:
        return _tuple(
            FetchedRecord,
            (
                tp[0],
                tp[1],
                record.offset,
                record.timestamp,
                record.key,
                record.value,
                record.headers,
            ),
        )


def install() -> None:
    """For every consumer of this process, unless a class that extends this one is in place
    already."""
    if fetcher.PartitionRecords is STOCK_PARTITION_RECORDS:
        fetcher.PartitionRecords = LightRecords
