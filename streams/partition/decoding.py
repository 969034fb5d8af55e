"""From a record's bytes to a fact of a family, or why not.

Stands in for Faust's codecs: there, what cannot be decoded is acknowledged and gone.  A record whose key or partition
is not what its value says (librdkafka hashes differently, people write numbers with blanks) is filed again where it
belongs, once; what cannot be read is set aside whole.
"""

from __future__ import annotations

import base64
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from struct import unpack_from
from typing import Any, Protocol

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from schemas.topics import Topic
from streams.processing import UnreadableRecord

MAX_KEY = 512
MAX_VALUE = 256 << 10
"""Bytes of a value, and of all headers.  A fact of ours is a few kB; a compressed record of 1 MB can hold a thousand.
What comes of it (rows, filing it again, a dead letter) must fit a broker, or the lane stands still for ever."""
KEPT = 1 << 20
"""Bytes of a value that a dead letter quotes; the topic takes 4 MiB, and base64 makes a third more of it."""
_LAST_MS = 253_402_300_799_999
REROUTED = "sayso_rerouted_from"
REPLAYED = "sayso_replay_of"
"""The dead letter it was."""
USUAL = frozenset({"ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"})
SHORT = 1024
"""Bytes of such a header: a longer one is looked at like any other."""
APPENDED = "sayso_appended_ms"
"""When it was first on its topic: what is filed again or replayed does not become younger than what came meanwhile."""


class Record(Protocol):
    """What aiokafka's ConsumerRecord and the simulation's log have in common; `timestamp` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Any


@dataclass(frozen=True, slots=True)
class WrongPartition:
    """`key` is the one its value calls for."""

    key: bytes


_SEED, _MIX, _WORD = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Java's default partitioner's hash: aiokafka's own function, in half its time, for most keys are new."""
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
def hashed(key: bytes) -> int:
    return murmur2(key) & 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """As Java's default partitioner places it."""
    return hashed(key) % partitions if partitions > 1 else 0


def read(
    topic: Topic[Any], record: Record, known: Container[str], partitions: int
) -> tuple[str, Any, int] | WrongPartition | UnreadableRecord:
    """(family, message, when it was appended), or what is wrong with it.  `known` families were placed right before:
    not hashed again."""
    data, at_ms = record.value, record.timestamp
    if (
        data is None
        or len(data) > MAX_VALUE
        or not 0 <= at_ms <= _LAST_MS
        or not _are_usual(record.headers)
    ):
        if (odd := _oddity(record, partitions)) is not None:
            return odd
        data, at_ms = record.value or b"", appended_ms(record)
    try:
        value = topic.parse(data)
        entity_key = topic.key(value)
        key = entity_key.encode()
    except ValidationError as error:
        return UnreadableRecord(
            cause="invalid", reason=_words(error), entity_key=_family(record, partitions)
        )
    except UnicodeEncodeError:
        return UnreadableRecord(
            cause="invalid",
            reason="the key holds half a character",
            entity_key=_family(record, partitions),
        )
    if len(key) > MAX_KEY:
        return UnreadableRecord(
            cause="key_too_long", reason=f"a key of {len(key)} bytes; at most {MAX_KEY}"
        )
    if key == record.key and (
        entity_key in known or partition_of(key, partitions) == record.partition
    ):
        return entity_key, value, at_ms
    if any(name == REROUTED for name, _ in record.headers or ()):
        return UnreadableRecord(
            cause="misfiled", reason="filed again before, and still in the wrong place"
        )
    return WrongPartition(key)


def appended_ms(record: Record) -> int:
    """Some clients write any number for a time: what no calendar has is cut to the years 1970 to 9999."""
    at = min(max(record.timestamp, 0), _LAST_MS)
    for name, value in record.headers or ():
        if name == APPENDED and value and value.isdigit() and len(value) < 16:
            return min(at, int(value))  # never later: nobody makes a fact younger than it is
    return at


def _are_usual(headers: Any) -> bool:
    """Nearly all records have the headers that we write ourselves: those need no second look."""
    for name, value in headers or ():
        if name not in USUAL or len(value or b"") > SHORT:
            return False
    return True


def _oddity(record: Record, partitions: int) -> UnreadableRecord | None:
    if len(record.value or b"") > MAX_VALUE or _weight(record.headers or ()) > MAX_VALUE:
        return UnreadableRecord(
            cause="too_large", reason=_too_large(record), entity_key=_family(record, partitions)
        )
    if _no_utf8(record.headers or ()):
        return UnreadableRecord(
            cause="bad_header",
            reason="a header's name is not UTF-8",
            entity_key=_family(record, partitions),
        )
    if record.value is None:
        return UnreadableRecord(
            cause="tombstone",
            reason="the record has no value",
            entity_key=_family(record, partitions),
        )
    return None


def _weight(headers: Any) -> int:
    return sum(len(name) + len(value or b"") for name, value in headers)


def _no_utf8(headers: Any) -> bool:
    """What is not, comes with lone surrogates (`services.kafka.header_patch`)."""
    names = "".join([name for name, _ in headers])
    return not names.isascii() and any(0xD800 <= ord(letter) < 0xE000 for letter in names)


def _too_large(record: Record) -> str:
    value, headers = len(record.value or b""), _weight(record.headers or ())
    kept = f"; the first {KEPT} bytes are kept" if value > KEPT else ""
    return f"{value} bytes and {headers} of headers; at most {MAX_VALUE} each{kept}"


def _words(error: ValidationError) -> str:
    """Which field, and what to do about it; never the value, which may be somebody's text."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}" for one in found[:3]]
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return "; ".join(named)[:800] + more


def _family(record: Record, partitions: int) -> str | None:
    """Whose it is by its key, if the key can be believed."""
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


def replayed(record: Record) -> bool:
    return any(name == REPLAYED for name, _ in record.headers or ())


def rerouted(record: Record) -> list[tuple[str, bytes]]:
    """Its own headers, so that its id stays, where it was found, and since when it was there."""
    place = f"{record.topic}/{record.partition}/{record.offset}".encode()
    kept = [header for header in record.headers or () if header[0] != APPENDED]
    return [*kept, (REROUTED, place), (APPENDED, b"%d" % appended_ms(record))]


def dead_letter(
    processor: str, record: Record, found: UnreadableRecord, now: datetime
) -> DeadLetter:
    return DeadLetter(
        room=processor,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=datetime.fromtimestamp(appended_ms(record) / 1000, UTC),
        key=_text(record.key and record.key[:MAX_VALUE]),
        value=_text(record.value and record.value[:KEPT]),
        headers=_headers(record.headers or ()),
        cause=found.cause,
        reason=found.reason,
        at=now,
    )


def _headers(headers: Any) -> tuple[tuple[str, str], ...]:
    """Those that fit; of a name that is not UTF-8 each odd byte is written as `\\xff`."""
    kept, processor = list[tuple[str, str]](), MAX_VALUE
    for name, value in headers:
        processor -= len(name) + len(value or b"")
        if processor >= 0:
            kept.append(
                (
                    name.encode(errors="surrogateescape").decode(errors="backslashreplace"),
                    _text(value) or "",
                )
            )
    return tuple(kept)


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
