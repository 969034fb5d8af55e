"""From a record's bytes to a message of an entity key, or to a dead letter.

Theory of operation

A record whose key or partition does not match its value is filed again where it belongs, once
(`WrongPartition`).  That happens: librdkafka hashes keys differently, and people write phone
numbers with blanks.  A record that cannot be read becomes a dead letter with its bytes, its place
and the reason.  Faust's codecs would acknowledge it and drop it.

When too many of a topic's latest records become dead letters, the topic's partition stands still
(`dlq_limit`).
"""

from __future__ import annotations

import base64
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from struct import unpack_from
from typing import Any, Final, Protocol

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter, DeadLetterCause
from schemas.numbers import e164, is_former_writing
from schemas.topics import Topic
from streams.processing import UnreadableRecord

MAX_KEY: Final = 512
MAX_VALUE: Final = 256 << 10
"""Bytes of a value, and of all headers.  A message of ours is a few kB; a compressed record of 1 MB
can hold a thousand. What comes of it (state, the record filed again, a dead letter) must fit a
broker, or the partition stands still."""
MAX_QUOTED: Final = 1 << 20
"""Bytes of a value that a dead letter quotes; the topic takes 4 MiB, and base64 makes a third more
of it."""
LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999, in milliseconds since 1970."""

REROUTED: Final = "sayso_rerouted_from"
"""Header: where a misplaced record was found."""
REPLAYED: Final = "sayso_replay_of"
"""Header: the dead letter that this record was."""
APPENDED: Final = "sayso_appended_ms"
"""Header: when the record first was on its topic.  Filed again or replayed, it is no younger than
what came meanwhile."""
OWN_HEADERS: Final = frozenset({"ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"})
"""Nearly all records have these headers alone, which need no second look while they are short."""
SHORT_HEADER: Final = 1024


class Record(Protocol):
    """What aiokafka's records and the simulation's log have in common."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since 1970, UTC."""
    key: bytes | None
    value: bytes | None
    headers: Any


@dataclass(frozen=True, slots=True)
class WrongPartition:
    key: bytes
    """The key that the record's value calls for."""
    value: bytes
    """As it came; a number in another writing is brought to its identity, for the owner there may
    be of a version that does not know the writing."""


_SEED = 0x9747B28C
_MIX = 0x5BD1E995
_WORD = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """The hash of Java's default partitioner: as aiokafka's function, in half the time, for most
    keys are new."""
    whole = len(key) >> 2
    h = _SEED ^ len(key)
    for k in unpack_from(f"<{whole}I", key):
        k = k * _MIX & _WORD
        h = (h * _MIX ^ (k ^ k >> 24) * _MIX) & _WORD
    tail = key[whole << 2 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _MIX & _WORD
    h = (h ^ h >> 13) * _MIX & _WORD
    return h ^ h >> 15


@lru_cache(maxsize=1 << 14)
def hash_key(key: bytes) -> int:
    return murmur2(key) & 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """Where Java's default partitioner puts this key."""
    return hash_key(key) % partitions if partitions > 1 else 0


def decode(
    topic: Topic[Any], record: Record, known_keys: Container[str], partitions: int
) -> tuple[str, Any, int] | WrongPartition | UnreadableRecord:
    """(entity key, message, when it was appended), or what is wrong with the record.

    Records of `known_keys` came to this partition before: their keys are not hashed again."""
    data = record.value
    at_ms = record.timestamp
    if (
        data is None
        or len(data) > MAX_VALUE
        or not 0 <= at_ms <= LAST_MS
        or not _has_own_headers_only(record.headers)
    ):
        if (unreadable := _check_unusual(record, partitions)) is not None:
            return unreadable
        data = record.value or b""
        at_ms = append_time_ms(record)
    try:
        value = topic.parse(data)
        entity_key = topic.key(value)
        key = entity_key.encode()
    except ValidationError as error:
        return UnreadableRecord(
            cause=DeadLetterCause.INVALID,
            reason=_describe(error),
            entity_key=_key_of(record, partitions),
        )
    except UnicodeEncodeError:
        return UnreadableRecord(
            cause=DeadLetterCause.INVALID,
            reason="the key holds half a character",
            entity_key=_key_of(record, partitions),
        )
    if len(key) > MAX_KEY:
        return UnreadableRecord(
            cause=DeadLetterCause.KEY_TOO_LONG,
            reason=f"a key of {len(key)} bytes; at most {MAX_KEY}",
        )
    if key == record.key and (
        entity_key in known_keys or partition_of(key, partitions) == record.partition
    ):
        return entity_key, value, at_ms
    if any(name == REROUTED for name, _ in record.headers or ()):
        return UnreadableRecord(
            cause=DeadLetterCause.MISFILED,
            reason="filed again before, and still in the wrong place",
        )
    return WrongPartition(key, _with_identity(topic, value, entity_key) or data)


def _with_identity(topic: Topic[Any], value: Any, entity_key: str) -> bytes | None:
    """The value with its number's identity; None where that is how it is written, and where the
    other writing is what it is filed under: a question to that writing's key."""
    for field in {"number", "to"} & type(value).model_fields.keys():
        written = getattr(value, field)
        if isinstance(written, str) and is_former_writing(written):
            renamed = value.model_copy(update={field: e164(written)})
            return topic.encode(renamed) if topic.key(renamed) == entity_key else None
    return None


def append_time_ms(record: Record) -> int:
    """Some clients write any number for a time: it is clamped to the years 1970 to 9999."""
    at = min(max(record.timestamp, 0), LAST_MS)
    for name, value in record.headers or ():
        if name == APPENDED and value and value.isdigit() and len(value) < 16:
            return min(at, int(value))  # never later: a header must not make a record younger
    return at


def _has_own_headers_only(headers: Any) -> bool:
    for name, value in headers or ():
        if name not in OWN_HEADERS or len(value or b"") > SHORT_HEADER:
            return False
    return True


def _check_unusual(record: Record, partitions: int) -> UnreadableRecord | None:
    headers = record.headers or ()
    size = len(record.value or b"")
    headers_size = sum(len(name) + len(value or b"") for name, value in headers)
    if size > MAX_VALUE or headers_size > MAX_VALUE:
        kept = f"; the first {MAX_QUOTED} bytes are kept" if size > MAX_QUOTED else ""
        return UnreadableRecord(
            cause=DeadLetterCause.TOO_LARGE,
            reason=f"{size} bytes and {headers_size} of headers; at most {MAX_VALUE} each{kept}",
            entity_key=_key_of(record, partitions),
        )
    if _has_non_utf8_name(headers):
        return UnreadableRecord(
            cause=DeadLetterCause.BAD_HEADER,
            reason="a header's name is not UTF-8",
            entity_key=_key_of(record, partitions),
        )
    if record.value is None:
        return UnreadableRecord(
            cause=DeadLetterCause.TOMBSTONE,
            reason="the record has no value",
            entity_key=_key_of(record, partitions),
        )
    return None


def _has_non_utf8_name(headers: Any) -> bool:
    """Such names arrive with lone surrogates (`services.kafka.header_patch`)."""
    names = "".join([name for name, _ in headers])
    return not names.isascii() and any(0xD800 <= ord(letter) < 0xE000 for letter in names)


def _describe(error: ValidationError) -> str:
    """Which field, and what is wrong with it; never the value, which may be somebody's text."""
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    fields = [f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}" for one in errors[:3]]
    more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
    return "; ".join(fields)[:800] + more


def _key_of(record: Record, partitions: int) -> str | None:
    """The record's own key, if it can be trusted: it belongs to this partition and is text."""
    if (
        record.key is None
        or len(record.key) > MAX_KEY
        or partition_of(record.key, partitions) != record.partition
    ):
        return None
    try:
        return record.key.decode()
    except UnicodeDecodeError:
        return None


def is_replay(record: Record) -> bool:
    return any(name == REPLAYED for name, _ in record.headers or ())


def reroute_headers(record: Record) -> list[tuple[str, bytes]]:
    """Its own headers, so that its id stays; where it was found, and since when it was there."""
    found_at = f"{record.topic}/{record.partition}/{record.offset}".encode()
    kept = [header for header in record.headers or () if header[0] != APPENDED]
    return [*kept, (REROUTED, found_at), (APPENDED, b"%d" % append_time_ms(record))]


def quote_record(
    processor: str, record: Record, unreadable: UnreadableRecord, now: datetime
) -> DeadLetter:
    """The dead letter of a record that could not be read."""
    return DeadLetter(
        room=processor,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=datetime.fromtimestamp(append_time_ms(record) / 1000, UTC),
        key=_to_base64(record.key and record.key[:MAX_VALUE]),
        value=_to_base64(record.value and record.value[:MAX_QUOTED]),
        headers=_quote_headers(record.headers or ()),
        cause=unreadable.cause,
        reason=unreadable.reason,
        at=now,
    )


def _quote_headers(headers: Any) -> tuple[tuple[str, str], ...]:
    """Those that fit.  In a name that is not UTF-8 each bad byte is written as `\\xff`."""
    quoted: list[tuple[str, str]] = []
    left = MAX_VALUE
    for name, value in headers:
        left -= len(name) + len(value or b"")
        if left >= 0:
            text = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
            quoted.append((text, _to_base64(value) or ""))
    return tuple(quoted)


def _to_base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
