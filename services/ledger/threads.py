"""Conversations: what waits for an answer, and everything that passed between a tenant and a
number, in one order."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from schemas.inbound import Reply
from schemas.numbers import e164
from schemas.thread import Thread
from schemas.topics import (
    CONSENT_LOG,
    DECISIONS,
    MAIL_REQUESTS,
    NUMBER_FACTS,
    REPLIES,
    THREAD_EVENTS,
)
from services.ledger.ledger import Ledger
from services.ledger.times import parse_time


class EntryKind(StrEnum):
    """What an entry of a conversation is."""

    INBOUND = "in"
    OUTBOUND = "out"
    NOTE = "note"
    """What staff wrote or did."""
    CONSENT = "consent"
    NUMBER = "number"
    """Whose number it is."""
    MAIL = "mail"


class Entry(NamedTuple):
    kind: EntryKind
    at: datetime
    data: dict[str, Any]
    place: str
    """Where its record is: topic@partition:offset."""


class WaitingThread(NamedTuple):
    """A conversation in which somebody waits for an answer."""

    thread: Thread
    reply: Reply | None
    """Their last text, as long as the topic kept it."""


def find_threads(ledger: Ledger, number: str, tenant: str | None = None) -> tuple[Thread, ...]:
    sql = """SELECT json FROM threads WHERE number = ?1 AND (?2 IS NULL OR tenant = ?2)
        ORDER BY tenant"""
    rows = ledger.rows(sql, e164(number), tenant)
    return tuple(Thread.model_validate_json(row["json"]) for row in rows)


def find_thread_tenants(ledger: Ledger, number: str, tenant: str | None = None) -> tuple[str, ...]:
    """Tenants with anything in a conversation with this number."""
    union = " UNION ".join(
        f"SELECT tenant FROM {table} WHERE number = ?1 AND (?2 IS NULL OR tenant = ?2)"
        for table in ("threads", "replies", "thread_events", "decisions")
    )
    return tuple(sorted(row["tenant"] for row in ledger.rows(union, e164(number), tenant)))


def list_waiting_threads(ledger: Ledger, tenant: str | None = None) -> tuple[WaitingThread, ...]:
    """The longest waiting first."""
    sql = """SELECT json FROM threads
        WHERE waiting_ms IS NOT NULL AND (?1 IS NULL OR tenant = ?1)
        ORDER BY waiting_ms, tenant, number"""
    threads = [Thread.model_validate_json(row["json"]) for row in ledger.rows(sql, tenant)]
    replies = find_last_replies(ledger, threads)
    return tuple(map(WaitingThread, threads, replies))


def find_waiting(ledger: Ledger, tenant: str, numbers: Collection[str]) -> dict[str, datetime]:
    """Since when they wait for an answer: those of these numbers that do."""
    sql = """SELECT t.number, t.waiting_ms FROM json_each(?) j
        CROSS JOIN threads t ON t.identity = ? || '/' || j.value
        WHERE t.waiting_ms IS NOT NULL"""
    rows = ledger.rows(sql, json.dumps(sorted(numbers)), tenant)
    return {row["number"]: datetime.fromtimestamp(row["waiting_ms"] / 1000, UTC) for row in rows}


def find_last_replies(ledger: Ledger, threads: Sequence[Thread]) -> list[Reply | None]:
    """The text to be answered of each of them, all at once."""
    wanted = [
        (one.number, one.tenant, one.to_answer.inbound_id if one.to_answer else "")
        for one in threads
    ]
    return _find_replies(ledger, wanted)


def find_reply(ledger: Ledger, tenant: str, number: str, inbound_id: str) -> Reply | None:
    return _find_replies(ledger, [(number, tenant, inbound_id)])[0]


def _find_replies(ledger: Ledger, wanted: Sequence[tuple[str, str, str]]) -> list[Reply | None]:
    sql = """SELECT (SELECT r.json FROM replies r WHERE r.number = json_extract(j.value, '$[0]')
            AND r.tenant = json_extract(j.value, '$[1]')
            AND r.provider_id = json_extract(j.value, '$[2]')
            ORDER BY r.part, r.off LIMIT 1) AS json
        FROM json_each(?) j ORDER BY j.key"""
    named = [(e164(number), *rest) for number, *rest in wanted]
    rows = ledger.rows(sql, json.dumps(named)) if named else []
    return [Reply.model_validate_json(row["json"]) if row["json"] else None for row in rows]


def list_reply_ids(ledger: Ledger, tenant: str, number: str) -> tuple[str, ...]:
    """The newest first."""
    sql = """SELECT provider_id FROM replies WHERE number = ? AND tenant = ?
        ORDER BY part DESC, off DESC"""
    found = ledger.rows(sql, e164(number), tenant)
    return tuple(dict.fromkeys(row["provider_id"] for row in found))


# All of a conversation.

_Record = tuple[dict[str, Any], str]
"""What it says, and its place on Kafka."""
_Read = Callable[["ConversationRecords"], Iterator[Entry]]


Position = tuple[int, int]
"""Partition and offset: where a record stands among those of its topic."""


class ConversationRecords(NamedTuple):
    """The records of one conversation, by kind."""

    ledger: Ledger
    tenant: str
    number: str
    most: int | None
    """Of each kind; the latest."""
    before: Mapping[str, Position]
    """By table: only what stands before that."""
    moved: dict[str, Position]
    """By place: where an entry stands whose record came later than the place says."""

    def records(
        self, table: str, topic: str, identity: str = "rowid", *, moves: bool = False
    ) -> Iterator[_Record]:
        """In the order of their places; of those with the same identity the first. Only the latest
        are read whole: a number may have thousands.

        `moves`: a later record of the same identity makes it a latest one."""
        sql = f"""SELECT rowid AS row, {identity} AS identity, part, off FROM {table}
            WHERE number = ? AND tenant = ? ORDER BY part, off"""
        rows = dict[Any, tuple[int, Position]]()
        for row, name, part, off in self.ledger.rows(sql, self.number, self.tenant):
            one = row if name is None else name
            if one not in rows:
                rows[one] = (row, (part, off))
            elif moves:
                rows[one] = (rows.pop(one)[0], (part, off))
        end = self.before.get(table)
        kept = [row for row in rows.values() if end is None or row[1] < end]
        stands = dict(kept[-self.most :] if self.most else kept)
        sql = f"""SELECT t.rowid AS row, t.json, t.part, t.off FROM json_each(?) j
            CROSS JOIN {table} t ON t.rowid = CAST(j.value AS INTEGER) ORDER BY t.part, t.off"""
        found = self.ledger.rows(sql, json.dumps([*stands]))
        for (row, _, part, off), data in zip(found, _parse_all(found, 1), strict=True):
            place = f"{topic}@{part}:{off}"
            if moves:
                self.moved[place] = stands[row]
            yield data, place

    def all(self) -> ConversationRecords:
        return self._replace(most=None, before={})


def _parse_all(rows: Sequence[Any], column: int) -> list[dict[str, Any]]:
    """The JSON in this column of each row, empty where there is none. All of it is read at once:
    to begin anew for each row took as long as to read it."""
    found: list[dict[str, Any]] = json.loads(f"[{','.join(row[column] or '{}' for row in rows)}]")
    return found


def read_conversation(
    ledger: Ledger, tenant: str, number: str, most: int | None = None
) -> tuple[Entry, ...]:
    """The oldest first.  What has the same time stands in the order of `SOURCES`.

    `most`: only the latest; of each kind so many, as far as there are, so that the last `most` of
    the result are the last of all."""
    about = ConversationRecords(ledger, tenant, e164(number), most, {}, {})
    with ledger.snapshot():
        found = [entry for read in SOURCES.values() for entry in read(about)]
    return tuple(sorted(found, key=lambda entry: entry.at))


def _replies(about: ConversationRecords) -> Iterator[Entry]:
    for data, place in about.records("replies", REPLIES.name, "provider_id"):
        yield Entry(EntryKind.INBOUND, parse_time(data["received_at"]), data, place)


_WORDS: Final = """SELECT
    (SELECT json FROM outcomes WHERE identity = ?1 || '/' || j.value) AS outcome,
    (SELECT json FROM orders WHERE message_id = j.value AND tenant = ?1 ORDER BY off DESC LIMIT 1)
        AS "order",
    (SELECT json FROM requests WHERE message_id = j.value AND tenant = ?1 ORDER BY off LIMIT 1)
        AS request
    FROM json_each(?2) j ORDER BY j.key"""


def _texts(about: ConversationRecords) -> Iterator[Entry]:
    """Every text that the gate decided on, at the time that it was ordered, else decided on; with
    its latest outcome and its words."""
    records = [*about.records("decisions", DECISIONS.name, "message_id", moves=True)]
    ids = json.dumps([decision["message_id"] for decision, _ in records])
    rows = about.ledger.rows(_WORDS, about.tenant, ids) if records else []
    about_texts = zip(*(_parse_all(rows, at) for at in range(3)), strict=True)
    for (decision, place), (outcome, order, request) in zip(records, about_texts, strict=True):
        body = order.get("body") or request.get("body")
        at = parse_time(order.get("issued_at") or decision["decided_at"])
        data = {**decision, **outcome, "body": body, "written_by": decision.get("written_by")}
        yield Entry(EntryKind.OUTBOUND, at, data, place)


def _notes(about: ConversationRecords) -> Iterator[Entry]:
    identity = "json_extract(json, '$.change_id')"
    for data, place in about.records("thread_events", THREAD_EVENTS.name, identity):
        if data.get("at"):
            yield Entry(EntryKind.NOTE, parse_time(data["at"]), data, place)


def _consent(about: ConversationRecords) -> Iterator[Entry]:
    """What changed their consent; opt-in requests are among the texts."""
    for data, place in about.all().records("consent_log", CONSENT_LOG.name):
        if data["applied"] and data["was"] != data["now"]:
            yield Entry(EntryKind.CONSENT, parse_time(data["at"]), data, place)


def _numbers(about: ConversationRecords) -> Iterator[Entry]:
    """Whose number it became, and whose it is no more; a repeat tells nothing."""
    owners = dict[str, tuple[Any, ...]]()
    for data, place in about.all().records("number_facts", NUMBER_FACTS.name):
        person_id = data.get("person_id")
        if person_id is None:
            continue
        said = (data.get("left", False), data.get("sms_enabled"))
        if owners.get(person_id) != said:
            owners[person_id] = said
            yield Entry(EntryKind.NUMBER, parse_time(data["at"]), data, place)


def _mails(about: ConversationRecords) -> Iterator[Entry]:
    for data, place in about.records("mail_requests", MAIL_REQUESTS.name, "mail_id"):
        yield Entry(EntryKind.MAIL, parse_time(data["at"]), data, place)


SOURCES: Final[Mapping[str, _Read]] = {
    "number_facts": _numbers,
    "replies": _replies,
    "consent_log": _consent,
    "decisions": _texts,
    "mail_requests": _mails,
    "thread_events": _notes,
}
"""By table."""
