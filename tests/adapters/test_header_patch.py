"""A fetch with headers that are not UTF-8, read by what the kit puts in the place of aiokafka's
reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from services.kafka.header_patch import RereadableRecords, TolerantPartitionRecords
from streams.runtime.records import STOCK_PARTITION_RECORDS
from tests.non_utf8_headers import spelt

GZIP, CONTROL, ATTRIBUTES_AT = 1, 0x20, 21
ABORTED = struct.pack(">hh", 0, 0)


def batch(
    start: int, names: Sequence[bytes], codec: int = 0, producer: int = -1, key: bytes = b"k"
) -> bytes:
    """One record a name, from offset `start`; in a transaction if there is a producer."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, int(producer >= 0), producer, 0, 0, 1 << 20)
    for n, name in enumerate(names):
        builder.append(n, 1000, key, b"%d" % (start + n), [(spelt(name), b"1")])
    return start.to_bytes(8, "big") + bytes(builder.build())[8:]


def aborted(start: int, producer: int) -> bytes:
    """The marker at the end of a transaction that was aborted."""
    raw = bytearray(batch(start, [b"a"], producer=producer, key=ABORTED))
    raw[ATTRIBUTES_AT + 1] |= CONTROL
    return bytes(raw)


def read(
    data: bytes,
    start: int = 0,
    gone: Sequence[tuple[int, int]] = (),
    reader: Any = TolerantPartitionRecords,
) -> list[Any]:
    """`gone`: aborted transactions, as (producer, first offset)."""
    records = RereadableRecords(data) if reader is TolerantPartitionRecords else MemoryRecords(data)
    return list(
        reader(
            TopicPartition("t", 0),
            records,
            list(gone),
            start,
            None,
            None,
            False,
            fetcher.READ_COMMITTED,
        )
    )


@pytest.mark.parametrize("codec", [0, GZIP])
def test_every_record_comes_once_and_in_order(codec: int) -> None:
    data = batch(0, [b"a", b"b"]) + batch(2, [b"a", b"\xff", "é".encode()], codec)
    data += batch(5, [b"\xfe\xfd", b"b"], codec)
    assert [(r.offset, r.value, r.headers[0][0]) for r in read(data, start=1)] == [
        (1, b"1", "b"),
        (2, b"2", "a"),
        (3, b"3", "\udcff"),
        (4, b"4", "é"),
        (5, b"5", "\udcfe\udcfd"),
        (6, b"6", "b"),
    ]


def test_without_it_the_partition_ends_there() -> None:
    with pytest.raises(UnicodeDecodeError):
        read(batch(0, [b"a", b"\xff", b"b"]), reader=STOCK_PARTITION_RECORDS)


def test_aborted_records_behind_it_stay_unread() -> None:
    """The first transaction's marker, read a second time, would make the second one look
    committed."""
    data = (
        batch(0, [b"a"], producer=7)
        + aborted(1, 7)
        + batch(2, [b"a"], producer=7)
        + batch(3, [b"\xff", b"b"])
    )
    data += batch(5, [b"a"], producer=7) + aborted(6, 7) + batch(7, [b"c"])
    assert [r.offset for r in read(data, gone=[(7, 0), (7, 2)])] == [3, 4, 7]
