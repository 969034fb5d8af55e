"""Find dead letters, and replay or drop each of them once."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter, DeadLetterAction, DeadLetterCause, LetterResolution
from schemas.numbers import mask_text
from schemas.topics import BY_NAME, CONSENT_EVENTS, INBOUND, REPLIES
from services.json_values import parse_json
from services.kafka.dead_letter_replay import NotReplayed, ReplayRecord, build_replay, resolve
from services.ledger import Ledger
from services.ledger.dead_letters import (
    DeadLetterEntry,
    DeadLetterFilter,
    count_dead_letters,
    find_dead_letter,
    list_dead_letters,
)
from services.masking import mask
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from services.operations.topics import find_topic
from services.operations.validation import require_one_of

CAUSES: Final[Mapping[str, str]] = {
    DeadLetterCause.INVALID: "it does not fit its schema",
    DeadLetterCause.TOO_LARGE: "it, or a field of it, is larger than such a record is",
    DeadLetterCause.TOMBSTONE: "it has no value",
    DeadLetterCause.BAD_HEADER: "a header cannot be read",
    DeadLetterCause.KEY_TOO_LONG: "its key is longer than a key may be",
    DeadLetterCause.MISFILED: "it came back to a partition where it does not belong",
    DeadLetterCause.ID_REUSED: "another text has its id",
    DeadLetterCause.ID_RESERVED: "only Sayso gives ids of this form",
    DeadLetterCause.UNKNOWN_ORDER: "it hands back an order that the gate never gave",
    DeadLetterCause.UNKNOWN_SENDER: "it came to a sender that has not been applied",
    DeadLetterCause.NOT_A_NUMBER: "it is about no number that could be texted",
    DeadLetterCause.UNKNOWN_TENANT: "it is for a tenant that nobody has applied",
    DeadLetterCause.MAIL_REFUSED: "no mail server takes this mail to staff",
    DeadLetterCause.STANDS_STILL: "no record: the topic stands still there, too many were bad",
    DeadLetterCause.NOBODY_TEXTED: "it came to a shared sender from a number that nobody texted",
}
"""Every cause that a processor gives, in words."""
_NAME: Final = re.compile(r"([0-9]{1,9})-([0-9]{1,18})")
BLOCKING: Final = frozenset(topic.name for topic in (CONSENT_EVENTS, REPLIES, INBOUND))
"""Topics on which an unreadable record also blocks its number, until a person resolves that."""


def build_filter(
    ledger: Ledger, cause: str | None, topic: str | None, resolved: bool
) -> DeadLetterFilter:
    """Raises InvalidRequest for an unknown cause or topic.

    A cause is known if this version gives it, or if it is on record."""
    on_record = {one for _, one, _, _ in count_dead_letters(ledger)} if cause else set()
    require_one_of("--cause", cause, CAUSES, on_record)
    return DeadLetterFilter(cause, find_topic(topic) if topic else None, resolved)


def find_letter(ledger: Ledger, name: str) -> DeadLetterEntry:
    """Find a letter by its name, as in `2-17`.  Raises InvalidRequest."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise InvalidRequest(
            f"{name!r} is no letter: they are called like 2-17, see `sayso dlq list`"
        )
    found = find_dead_letter(ledger, int(parts[1]), int(parts[2]))
    if found is None:
        raise InvalidRequest(f"There is no letter {name}", "see `sayso dlq list --resolved`")
    return found


def find_open_letter(ledger: Ledger, name: str) -> DeadLetterEntry:
    """Raises OperationError where it does not exist, or was already replayed or dropped."""
    found = find_letter(ledger, name)
    if done := found.resolution:
        raise OperationFailed(
            f"{name} was {done.action} by {done.by} at {done.at:%Y-%m-%d %H:%M} UTC"
        )
    return found


def refuse_standstill(one: DeadLetterEntry) -> None:
    """Raises InvalidRequest for a letter that only says that a topic stands still."""
    if one.letter.cause == DeadLetterCause.STANDS_STILL:
        raise InvalidRequest(
            f"{one.name} is no record: it says that {one.letter.place} stands still",
            "see its reason (`sayso dlq list`), and drop it once that is seen to",
        )


def choose_letters(
    ledger: Ledger,
    names: Sequence[str] | None,
    cause: str | None,
    topic: str | None,
    everything: bool,
) -> list[DeadLetterEntry]:
    """The named letters, or all open ones that match.  Raises OperationError."""
    if bool(names) == everything:
        raise InvalidRequest(
            "Name the letters, or give --all (with --cause or --topic to narrow it)"
        )
    if names:
        return [find_open_letter(ledger, name) for name in names]
    return list_dead_letters(ledger, build_filter(ledger, cause, topic, resolved=False))


async def replay(
    kafka: Session, ledger: Ledger, one: DeadLetterEntry, mended: bytes | None, by: str, reason: str
) -> None:
    """Write the record to its own topic again, once.  `mended` replaces its value.

    Raises OperationError."""
    refuse_standstill(one)
    if one.letter.topic not in BY_NAME:
        raise InvalidRequest(f"there is no topic {one.letter.topic} any more: drop it")
    value = one.letter.value_bytes if mended is None else mended
    if value is None or (mended is None and is_cut(one.letter)):
        lacks = "it has no value" if value is None else "only its beginning was kept"
        raise InvalidRequest(f"{lacks}: write it with `sayso dlq fix {one.name}`, or drop it")
    try:
        record = build_replay(one.letter, one.name, value)
    except (ValidationError, UnicodeEncodeError) as error:
        raise InvalidRequest(
            f"it would come back: {describe_error(error)}; mend it with `sayso dlq fix {one.name}`"
        ) from None
    resolution = _build_resolution(one, DeadLetterAction.REPLAYED, by, reason, mended is not None)
    await _resolve(kafka, ledger, one, resolution, record)


async def drop(kafka: Session, ledger: Ledger, one: DeadLetterEntry, by: str, reason: str) -> None:
    """Record that the letter is not needed; it stays on its topic.  Raises OperationError."""
    resolution = _build_resolution(one, DeadLetterAction.DROPPED, by, reason, False)
    await _resolve(kafka, ledger, one, resolution, None)


def _build_resolution(
    one: DeadLetterEntry, action: DeadLetterAction, by: str, reason: str, mended: bool
) -> LetterResolution:
    return LetterResolution(
        topic=one.letter.topic,
        source_partition=one.letter.partition,
        partition=one.partition,
        offset=one.offset,
        action=action,
        by=by,
        reason=reason,
        mended=mended,
        at=datetime.now(UTC),
    )


async def _resolve(
    kafka: Session,
    ledger: Ledger,
    one: DeadLetterEntry,
    resolution: LetterResolution,
    record: ReplayRecord | None,
) -> None:
    async def is_open() -> bool:
        await kafka.refresh(ledger)
        now = find_dead_letter(ledger, one.partition, one.offset)
        return now is not None and now.resolution is None

    try:
        await resolve(kafka.bootstrap, resolution, record, is_open)
    except NotReplayed as error:
        raise OperationFailed(str(error)) from None


def require_valid(topic_name: str, value: bytes) -> None:
    """Raises ValidationError or UnicodeEncodeError where the value does not fit the schema."""
    topic = BY_NAME[topic_name]
    topic.key(topic.decode(value)).encode()


def describe_error(error: ValidationError | UnicodeEncodeError) -> str:
    """Name the field that is wrong; never quote its value."""
    if isinstance(error, UnicodeEncodeError):
        return "it holds half a character (a lone surrogate)"
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'value'}: {first['msg']}"


def is_cut(dead: DeadLetter) -> bool:
    """Only the beginning of a value is kept if the value was too large."""
    return "bytes are kept" in dead.reason


def decode_value(dead: DeadLetter) -> Any:
    """As JSON if it is JSON, else as text."""
    value = dead.value_bytes
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        return parse_json(value)
    return {"value": value.decode(errors="backslashreplace"), "unreadable": True}


def lay_out(letter: DeadLetter) -> str:
    """Indented where it is JSON, so that a person finds the field."""
    value = letter.value_bytes or b""
    with contextlib.suppress(ValueError, UnicodeEncodeError):
        text = json.dumps(parse_json(value), indent=2, ensure_ascii=False)
        text.encode()
        return text + "\n"
    return value.decode(errors="backslashreplace") + "\n"


def describe_letter(one: DeadLetterEntry, *, unmask: bool = False) -> dict[str, Any]:
    """All that there is to see of a letter; numbers and texts are masked unless asked for."""
    letter = one.letter
    key = _decode(letter.key) if letter.key is not None else None
    value = decode_value(letter)
    return {
        "letter": one.name,
        "stood_at": name_place(letter),
        "written": letter.timestamp.isoformat(),
        "at": letter.at.isoformat(),
        "room": letter.room,
        "cause": letter.cause,
        "reason": letter.reason if unmask else mask_text(letter.reason),
        "key": key if unmask or key is None else mask_text(key),
        "headers": {name: _decode(text) for name, text in letter.headers},
        "resolution": one.resolution.model_dump(mode="json") if one.resolution else None,
        "value": value if unmask else mask(value),
    }


def name_place(letter: DeadLetter) -> str:
    """Where its record stood: `sms.send-requests/3@17`."""
    return f"{letter.topic}/{letter.partition}@{letter.offset}"


def _decode(text: str) -> str:
    return base64.b64decode(text).decode(errors="backslashreplace")
