"""A dead letter's record goes back to its topic, once.

The record and the note that it was replayed are one Kafka transaction, whose name is the letter's: of two people who
replay the same letter at the same moment one is fenced, and whoever comes later sees the note."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.cloudevents import fixed_headers
from schemas.dead_letter import DeadLetter
from schemas.letter_resolution import LetterResolution
from schemas.topics import BY_NAME, LETTER_RESOLUTIONS
from services.kafka.security import access
from streams.partition.decoding import APPENDED, REPLAYED, REROUTED, partition_of

PATIENCE = 30_000
"""Milliseconds a transaction may take."""


class NotReplayed(Exception):
    """One sentence: why nothing was written."""


class Again(NamedTuple):
    """What is written, where: `partition` None is for the key to say."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def again(letter: DeadLetter, name: str, value: bytes) -> Again:
    """Under the key that its value calls for, with its own headers, a link to the letter, and the time it had: an
    opt-in that lay here does not become younger than a STOP.  Raises pydantic's ValidationError."""
    topic = BY_NAME[letter.topic]
    key = topic.key(topic.decode(value)).encode()
    ours = {REROUTED, REPLAYED, APPENDED}
    own = [(field, base64.b64decode(said)) for field, said in letter.headers if field not in ours]
    at = round(letter.timestamp.timestamp() * 1000)
    if letter.headers:  # replayed before: the first time counts
        first = dict(letter.headers).get(APPENDED)
        at = min(at, int(base64.b64decode(first))) if first else at
    return Again(
        topic.name, key, value, [*own, (REPLAYED, name.encode()), (APPENDED, str(at).encode())]
    )


async def resolve(
    bootstrap: str,
    note: LetterResolution,
    record: Again | None,
    still_open: Callable[[], Awaitable[bool]],
) -> None:
    """`still_open` is asked after everybody else was fenced off.  Raises NotReplayed."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"sayso.letter-{note.partition}-{note.offset}",
        transaction_timeout_ms=PATIENCE,
        acks="all",
        **access(),
    )
    try:
        await producer.start()
        if not await still_open():
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
                headers=_headers(),
            )
    except KafkaError as error:
        raise NotReplayed(f"Kafka did not take it: {error or type(error).__name__}") from None
    finally:
        await producer.stop()


def _headers() -> list[tuple[str, bytes]]:
    return [*fixed_headers(LETTER_RESOLUTIONS, "dlq"), ("ce_id", uuid.uuid4().hex.encode())]
