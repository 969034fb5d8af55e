"""Put a dead letter's record back on its topic, once.

The record and the note that it was replayed are written in one Kafka transaction. The transaction's
id is the letter's. So of two people who replay the same letter at the same moment one is fenced
off, and whoever comes later sees the note.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.dead_letter import DeadLetter, LetterResolution
from schemas.topics import BY_NAME, LETTER_RESOLUTIONS
from services.kafka.publisher import CloudEventHeaders
from services.kafka.security import security_options
from streams.partition.decoding import APPENDED, REPLAYED, REROUTED, partition_of

TRANSACTION_TIMEOUT = 30_000
"""Milliseconds."""


class NotReplayed(Exception):
    """One sentence: why nothing was written."""


class ReplayRecord(NamedTuple):
    """What is written to which topic. The key chooses the partition."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def build_replay(letter: DeadLetter, name: str, value: bytes) -> ReplayRecord:
    """The letter's record with this value, under the key that the value calls for.

    It keeps its own headers, gets a link to the letter, and keeps its time: an opt-in that waited
    as a dead letter must not become younger than a STOP.
    Raises pydantic's ValidationError.
    """
    topic = BY_NAME[letter.topic]
    key = topic.key(topic.decode(value)).encode()
    ours = {REROUTED, REPLAYED, APPENDED}
    headers = [
        (field, base64.b64decode(text)) for field, text in letter.headers if field not in ours
    ]
    appended_at = round(letter.timestamp.timestamp() * 1000)
    if letter.headers:  # replayed before: the first time counts
        first = dict(letter.headers).get(APPENDED)
        if first:
            appended_at = min(appended_at, int(base64.b64decode(first)))
    headers += [(REPLAYED, name.encode()), (APPENDED, str(appended_at).encode())]
    return ReplayRecord(topic.name, key, value, headers)


async def resolve(
    bootstrap: str,
    note: LetterResolution,
    record: ReplayRecord | None,
    is_still_open: Callable[[], Awaitable[bool]],
) -> None:
    """Write the note, and the record if there is one.

    `is_still_open` is called after everybody else was fenced off. Raises NotReplayed.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"sayso.letter-{note.partition}-{note.offset}",
        transaction_timeout_ms=TRANSACTION_TIMEOUT,
        acks="all",
        **security_options(),
    )
    try:
        await producer.start()
        if not await is_still_open():
            raise NotReplayed("somebody has just replayed or dropped it")
        async with producer.transaction():
            if record is not None:
                count = len(await producer.partitions_for(record.topic))
                await producer.send_and_wait(
                    record.topic,
                    record.value,
                    record.key,
                    partition_of(record.key, count),
                    headers=record.headers,
                )
            await producer.send_and_wait(
                LETTER_RESOLUTIONS.name,
                LETTER_RESOLUTIONS.encode(note),
                note.place.encode(),
                headers=CloudEventHeaders("dlq").build(LETTER_RESOLUTIONS),
            )
    except KafkaError as error:
        raise NotReplayed(f"Kafka did not take it: {error or type(error).__name__}") from None
    finally:
        await producer.stop()
