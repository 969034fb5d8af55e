"""What stands on topics, read as any outsider would: it imports nothing of the product."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition


async def records(
    bootstrap: str, *topics: str, isolation: str = "read_committed"
) -> list[ConsumerRecord]:
    """From the first to the ends seen now.  A broker acknowledges a commit before it has written
    the commit's markers: a committed reader is told of an end before them, so the ends are asked
    for as an uncommitted one."""
    ends = await _ends(bootstrap, topics)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    try:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(place) < ends[place] for place in ends]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
        return found
    finally:
        await consumer.stop()


async def _ends(bootstrap: str, topics: tuple[str, ...]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(await consumer._client._wait_on_metadata(topic))
        ]
        consumer.assign(places)
        return dict(await consumer.end_offsets(places))
    finally:
        await consumer.stop()
