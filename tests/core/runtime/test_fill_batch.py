"""A batch is filled past aiokafka's own `append`: what is in it must be what was put in, and no
record may be lost."""

from __future__ import annotations

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.partition.transaction import RecordContents
from streams.runtime.transactional_writer import fill_batch


def contents(count: int) -> list[RecordContents]:
    return [
        (b"key %d" % n, None if n % 3 == 0 else b"value %d" % n, [("ce_id", b"%d" % n)])
        for n in range(count)
    ]


def read(batch: BatchBuilder) -> list[tuple[int, bytes, bytes | None, list[tuple[str, bytes]]]]:
    found = MemoryRecords(bytes(batch._build())).next_batch()
    return [(one.offset, one.key, one.value, list(one.headers)) for one in found]


def test_what_was_put_in_comes_out_in_order() -> None:
    batch, records = BatchBuilder(1 << 20, 0, is_transactional=1), contents(100)
    assert fill_batch(batch, records) == batch.record_count() == 100
    assert read(batch) == [(n, *one) for n, one in enumerate(records)]


def test_a_full_batch_takes_no_more_and_says_how_many_it_took() -> None:
    batch, records = BatchBuilder(500, 0, is_transactional=1), contents(100)
    taken = fill_batch(batch, records)
    assert 0 < taken < 100
    assert batch.closed()
    assert read(batch) == [(n, *one) for n, one in enumerate(records[:taken])]
