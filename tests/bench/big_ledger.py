"""A large ledger: `python -m tests.bench.big_ledger FOLDER` makes it, in a few minutes of CPU for a
million messages.  One that is there already, of this version and size, is used as it is.

Everything is made by the product's own models and written by the ledger's own statements; of the
messages only a part.  The others are copies of their rows, under other ids, for other people, at
other times."""

from __future__ import annotations

import argparse
import gc
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas import topics as t
from schemas.base import Evidence, Message
from schemas.case import Case, CaseCalendarEvent, CaseText, Party, TextState
from schemas.consent import ConsentStatus
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision, Finding, Verdict
from schemas.inbound import Reply
from schemas.outcome import Alert, Outcome, Urgency
from schemas.person import Person, PersonNumber
from schemas.reports import UsageRow
from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind, SenderState, SenderStatus
from schemas.tenant_settings import Branch, TenantSettings
from schemas.thread import FiledText, Thread
from services.ledger.ledger import FILE
from services.ledger.projection import ParsedRecord, Partition, Record
from services.ledger.store import Store
from services.ledger.tables import VERSION

NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
"""For which the ledger is made: what is in it came in the 400 days before."""
DAYS: Final = 400
REAL: Final = 25_000
"""Messages that are made one by one."""
BUSY: Final = 7
"""A person with many texts."""
BATCH: Final = 5000
TENANTS: Final = [f"firm-{n:02}" for n in range(20)]
"""The first has half of everything."""
BRANCHES: Final = (None, "appeals", "court", "estate", "family")
KINDS: Final = ("reminder", "reminder", "reminder", "direct", "transactional", "follow_up", "alert")
SENDERS: Final = ("72970", "72971", "72972")
SOON: Final = timedelta(days=4)
"""Texts about events before and after now by so much are on record."""
ZONES: Final = ("America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/London")
CODES: Final = ("30003", "30005", "30006", "30007", "30008", "21610", "21211", "30032")
STATES: Final = {
    "delivered": 880,
    "sent": 20,
    "undelivered": 30,
    "failed": 10,
    "rejected": 25,
    "held": 15,
    "expired": 5,
    "canceled": 9,
    "unknown": 3,
    "queued": 2,
    "in_doubt": 1,
}
PASSING: Final = ("queued", "sent")
RECENT: Final = 0.94
"""Share of the messages that are older than what may still be held."""
FIRST: Final = [
    "Ana",
    "Luis",
    "Marta",
    "Ben",
    "Walt",
    "Grace",
    "Zoë",
    "Omar",
    "Ines",
    "Kofi",
    "Yuki",
    "Dana",
    "Rosa",
    "Theo",
    "Nora",
    "Ivan",
]
_LAST: Final = "Rivera Ortiz Ng Smith Cohen Okafor Silva Weber Rossi Haddad Park Novak Diaz Jones"
LAST: Final = [f"{one}{end}" for one in _LAST.split() for end in ("", "-Lee", "son", "ez", "ski")]
WORDS: Final = [
    "your",
    "hearing",
    "is",
    "on",
    "Tuesday",
    "at",
    "nine",
    "please",
    "bring",
    "papers",
    "documents",
    "ready",
    "court",
    "room",
    "office",
    "call",
    "us",
    "back",
    "about",
    "the",
    "appointment",
    "signed",
    "attorney",
    "reminder",
    "meeting",
    "moved",
    "tomorrow",
    "payment",
    "letter",
]
HELD: Final = ("awaiting_approval", "awaiting_approval", "not_opted_in", "quiet_hours", "no_number")


class Size(NamedTuple):
    messages: int = 1_000_000
    people: int = 100_000
    cases: int = 10_000

    @property
    def copies(self) -> int:
        """How often each message is there, under ids of its own."""
        return max(self.messages // REAL, 1)


Entry = tuple[t.Topic[Any], datetime, Message]


def tenant_of(person: int, size: Size) -> str:
    """That of their case."""
    case = person % size.cases
    return TENANTS[0] if case % 2 else TENANTS[1 + case // 2 % (len(TENANTS) - 1)]


def number_of(person: int) -> str:
    return f"+1{212 + person % 500}555{person // 500:04}"


def case_of(person: int, size: Size) -> str:
    return f"case-{person % size.cases:05}"


def make_name(person: int) -> str:
    return f"{FIRST[person % len(FIRST)]} {LAST[person // len(FIRST) % len(LAST)]}"


def make_people(size: Size, some: random.Random) -> Iterator[Entry]:
    for tenant in TENANTS:
        settings = TenantSettings(
            tenant=tenant,
            name=tenant,
            sender="72975",
            time_zone=some.choice(ZONES),
            branches={name: Branch(name=name.title()) for name in BRANCHES if name},
        )
        yield t.SETTINGS, NOW, settings
    for sender in SENDERS:
        shared: dict[str, Any] = {
            "kind": SenderKind.SHORT_CODE,
            "pace": 100,
            "shared_by": tuple(TENANTS),
        }
        yield t.SENDERS, NOW, Sender(sender=sender, **shared)
        status = SenderStatus(sender=sender, state=SenderState.RUNNING, pace=100, at=NOW)
        yield t.SENDER_STATUS, NOW, status
    states = ("opted_in",) * 7 + ("pending", "opted_out", "none")
    for n in range(size.people):
        at = NOW - timedelta(days=DAYS * (1 - n / size.people))
        number = PersonNumber(number=number_of(n), sms_enabled=n % 50 != 0)
        yield (
            t.PEOPLE,
            at,
            Person(
                tenant=tenant_of(n, size),
                person_id=f"p-{n:06}",
                name=make_name(n),
                numbers=(number,) if n % 40 else (),
                at=at,
            ),
        )
        status = {"state": some.choice(states), "consent_epoch": 1, "source": "form", "since": at}
        yield (
            t.CONSENT_STATUS,
            at,
            ConsentStatus(tenant=tenant_of(n, size), number=number_of(n), **status),
        )


def make_cases(size: Size, some: random.Random) -> Iterator[Entry]:
    each = size.people // size.cases
    for n in range(size.cases):
        at = NOW - timedelta(minutes=some.randrange(DAYS * 1440))
        people = [n + size.cases * k for k in range(each)]
        if n % 4 == 1:  # somebody of another case, and of another branch
            people.append((n + 2) % size.cases)
        events = [
            CaseCalendarEvent(
                event_id=f"hearing-{k}",
                title="Hearing",
                starts_at="2026-12-01T09:00",
                time_zone="America/New_York",
                at=NOW + timedelta(hours=some.randrange(-2000, 2000)),
            )
            for k in range(3)
        ]
        yield (
            t.CASES,
            at,
            Case(
                tenant=tenant_of(n, size),
                case_id=f"case-{n:05}",
                title=f"In re {make_name(n)}",
                reference=f"26-{n:05}",
                case_type=some.choice(("chapter 7", "appeal", "probate")),
                branch=BRANCHES[n % len(BRANCHES)],
                time_zone="America/New_York",
                closed=n % 5 == 0,
                parties=tuple(
                    Party(
                        person_id=f"p-{one:06}",
                        role="client",
                        name=make_name(one),
                        number=number_of(one) if one % 40 else None,
                    )
                    for one in people
                ),
                events=tuple(events),
                version=1,
                at=at,
            ),
        )
        for event in events:
            if abs(event.at - NOW) < SOON:
                yield from make_case_texts(n, event, people, size, some)


def make_case_texts(
    n: int, event: CaseCalendarEvent, people: list[int], size: Size, some: random.Random
) -> Iterator[Entry]:
    """Of each party's reminder how far it is."""
    for person in people:
        about = f"t-{n:08x}{person:06x}{event.event_id[-1]}0"
        yield (
            t.CASE_TEXTS,
            NOW,
            CaseText(
                tenant=tenant_of(n, size),
                case_id=f"case-{n:05}",
                text_id=about,
                message_id=about,
                person_id=f"p-{person:06}",
                state=some.choice((TextState.ARRIVED, TextState.SENT, TextState.REQUESTED)),
                event_id=event.event_id,
                event_starts_at=event.starts_at,
                recipe="hearing-day-before",
                due_at=event.at - timedelta(days=1),
                version=1,
                at=NOW,
            ),
        )


def make_messages(size: Size, some: random.Random) -> Iterator[Entry]:
    """In the order of their requests."""
    states, weights = list(STATES), list(STATES.values())
    count = size.messages // size.copies
    step = timedelta(days=DAYS) / count
    for n in range(count):
        person = BUSY if n % 200 == 0 else some.randrange(size.people)
        at = NOW - timedelta(days=DAYS) + step * n
        state = some.choices(states, weights)[0]
        if state in PASSING and n < count * 0.99:
            state = "delivered"
        if n >= count * RECENT:
            state = "held" if some.random() < 0.2 else state
        elif state == "held":  # the gate has ended it in its time
            state = "delivered"
        yield from make_message(n, person, at, state, size, some)


def make_message(
    n: int, person: int, at: datetime, state: str, size: Size, some: random.Random
) -> Iterator[Entry]:
    has_case = n % 3 == 0
    about: dict[str, Any] = {
        "message_id": f"m-{n:07}",
        "tenant": tenant_of(person, size),
        "to": number_of(person),
        "kind": some.choice(KINDS),
        "branch": BRANCHES[person % size.cases % len(BRANCHES)],
        "person_id": f"p-{person:06}",
        "case_id": case_of(person, size) if has_case else None,
        "sender": f"7297{person % 3}",
        "requested_at": at,
    }
    words = some.choices(WORDS, k=14)
    body = f"{make_name(person)}, {' '.join(words)} {n % 9973}."
    yield t.SEND_REQUESTS, at, SendRequest(**about, body=body)
    verdict, findings = _judge(state, at, some)
    decided = {"decided_at": at, "policy_version": "p", "consent_epoch": 1}
    yield (
        t.DECISIONS,
        at,
        Decision(**about, **decided, verdict=verdict, findings=findings, evidence=Evidence()),
    )
    failed = state in ("undelivered", "failed")
    code = some.choice(CODES) if failed else None
    said = {"state": state, "final": True, "version": 1, "at": at, "error_code": code}
    yield t.OUTCOMES, at, Outcome(**about, **said, segments=1)
    if failed and n > size.messages // size.copies * 0.9:
        context = {name: about[name] for name in ("message_id", "tenant", "kind", "branch", "to")}
        before = at + timedelta(days=some.randrange(60)) if n % 3 else None
        alert = {"state": state, "says": "It has not arrived: call them.", "version": 1, "at": at}
        yield (
            t.ALERTS,
            at,
            Alert(**context, **alert, urgency=Urgency.NORMAL, before=before, open=n % 4 != 0),
        )


def _judge(state: str, at: datetime, some: random.Random) -> tuple[Verdict, tuple[Finding, ...]]:
    if state == "held":
        rule = some.choice(HELD)
        ends = {"awaiting_approval": timedelta(days=30), "quiet_hours": timedelta(hours=9)}
        until = at + ends[rule] if rule in ends else None
        hold = Finding(rule=rule, verdict=Verdict.HOLD, reason="It waits", until=until)
        return Verdict.HOLD, (hold,)
    if state in ("rejected", "expired"):
        verdict = Verdict.REJECT if state == "rejected" else Verdict.EXPIRE
        return verdict, (Finding(rule="opted_out", verdict=verdict, reason="They opted out"),)
    return Verdict.SEND, ()


def make_threads(size: Size, some: random.Random) -> Iterator[Entry]:
    """A third of the people have written; some still wait."""
    for n in range(0, size.people, 3):
        at = NOW - timedelta(minutes=some.randrange(DAYS * 1440))
        waits = n % 45 == 0
        about = {"tenant": tenant_of(n, size), "number": number_of(n)}
        case_id = case_of(n, size) if n % 4 else None
        filed = FiledText(
            inbound_id=f"SM{n:06}", case_id=case_id, person_ids=(f"p-{n:06}",), use="waits", at=at
        )
        yield (
            t.REPLIES,
            at,
            Reply(
                **about,
                sender="72975",
                provider_id=f"SM{n:06}",
                body="Can my brother come with me?",
                received_at=at,
            ),
        )
        yield (
            t.THREADS,
            at,
            Thread(
                **about,
                waiting_since=at if waits else None,
                waiting_texts=int(waits),
                last_inbound=filed,
                last_in_at=at,
                person_ids=(f"p-{n:06}",),
                assigned_to=some.choice((None, "dana", "sam", "kim")),
                version=1,
                at=at,
            ),
        )


def make_letters(size: Size, some: random.Random) -> Iterator[Entry]:
    for n in range(min(size.people // 100, 500)):
        at = NOW - timedelta(minutes=n * 60)
        cause = some.choice(("unreadable", "misfiled"))
        about = {"room": "gate", "topic": "sms.send-requests", "partition": 0, "offset": n}
        letter = DeadLetter(**about, timestamp=at, cause=cause, reason="It cannot be read", at=at)
        yield t.DEAD_LETTERS, at, letter


def make_usage(size: Size, some: random.Random) -> Iterator[Entry]:
    """As many rows as so many messages would have: by day, and by all that differs between them."""
    for tenant in TENANTS:
        share = 0.5 if tenant == TENANTS[0] else 0.5 / (len(TENANTS) - 1)
        of_combination = size.messages * share / DAYS / len(BRANCHES) / len(SENDERS) / len(KINDS)
        outcomes = [(state, None, count / 1000) for state, count in STATES.items()]
        outcomes += [("undelivered", code, 0.03 / len(CODES)) for code in CODES]
        for day, branch, sender in product(range(DAYS), BRANCHES, SENDERS):
            period = (NOW - timedelta(days=day)).date()
            for kind, (state, code, likely) in product(sorted(set(KINDS)), outcomes):
                expected = of_combination * likely
                messages = int(expected) + (some.random() < expected % 1)
                if not messages:
                    continue
                about = {"tenant": tenant, "branch": branch or "", "sender": sender, "kind": kind}
                counts = {"messages": messages, "segments": messages}
                row = UsageRow.model_validate(
                    {**about, "period": period, "state": state, "error_code": code, **counts}
                    | {"currency": "USD", "cost_billed": 8300 * messages, "final": day > 3}
                )
                yield t.USAGE_REPORT, NOW, row


MAKERS: Final = (
    make_people,
    make_cases,
    make_messages,
    make_threads,
    make_letters,
    make_usage,
)


def make_everything(size: Size) -> Iterator[Entry]:
    some = random.Random(1)
    for make in MAKERS:
        yield from make(size, some)


def fill(folder: Path, size: Size = Size()) -> Path:  # noqa: B008 - a constant
    """The ledger's file, with everything in it."""
    path = folder / FILE
    marker = folder / "size.json"
    wanted = {"version": VERSION, "made_by": 4, **size._asdict()}
    if marker.exists() and json.loads(marker.read_text()) == wanted:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{FILE}*"):
        old.unlink()
    marker.unlink(missing_ok=True)
    store = Store(path)
    store._sql.execute("PRAGMA synchronous = OFF")
    write_everything(store, size)
    store.close()
    copy_messages(path, size)
    marker.write_text(json.dumps(wanted))
    return path


def write_everything(store: Store, size: Size) -> None:
    """With the part of the messages that are made one by one."""
    offsets = Counter[str]()
    batch: list[ParsedRecord] = []
    gc.disable()
    for topic, at, message in make_everything(size):
        offsets[topic.name] += 1
        key, value = topic.key(message).encode(), topic.encode(message)
        place, at_ms = Partition(topic.name, 0), round(at.timestamp() * 1000)
        batch.append(ParsedRecord(Record(place, offsets[topic.name], at_ms, key, value), message))
        if len(batch) == BATCH:
            _apply(store, batch)
            batch = []
    _apply(store, batch)
    gc.enable()


def _apply(store: Store, batch: list[ParsedRecord]) -> None:
    reached = {one.record.partition: one.record.offset + 1 for one in batch}
    store.apply(batch, reached, store.meta("generation"))


def copy_messages(path: Path, size: Size) -> None:
    """Indexes are made afterwards, all at once."""
    sql = sqlite3.connect(path, isolation_level=None)
    sql.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000"
    )
    tables = ("requests", "decisions", "outcome_history", "outcomes", "alerts")
    marks = ", ".join("?" * len(tables))
    of_tables = f"type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})"
    indexes = sql.execute(f"SELECT name, sql FROM sqlite_master WHERE {of_tables}", tables)
    found = indexes.fetchall()
    _prepare_copies(sql, size)
    sql.execute("BEGIN")
    for name, _ in found:
        sql.execute(f"DROP INDEX {name}")
    for table in tables:
        names = [row[1] for row in sql.execute(f"PRAGMA table_info({table})")]
        changed = ", ".join(CHANGED.get(name, f'"{name}"') for name in names)
        sql.execute(f"CREATE TEMP TABLE seed AS SELECT * FROM {table}")
        sql.execute("CREATE INDEX temp.seed_id ON seed (message_id)")
        sql.execute(
            f"INSERT INTO {table} SELECT {changed} FROM copies "
            "CROSS JOIN seed o ON o.message_id = old_id"
        )
        sql.execute("DROP TABLE seed")
    sql.execute("UPDATE facets SET count = count * ?", (size.copies,))
    for _, how in found:
        sql.execute(how)
    sql.execute("COMMIT")
    _copy_texts(sql)
    sql.execute("PRAGMA journal_mode = WAL")
    sql.close()


def _prepare_copies(sql: sqlite3.Connection, size: Size) -> None:
    step_ms = DAYS * 86_400_000 * size.copies // size.messages
    sql.create_function("number_of", 1, number_of, deterministic=True)
    sql.execute(
        """CREATE TEMP TABLE copies AS
            WITH RECURSIVE k(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM k WHERE k + 1 < :copies),
            seed AS (SELECT message_id AS old_id, person_id AS old_person, number AS old_number,
                CAST(substr(person_id, 3) AS INTEGER) AS p FROM outcomes),
            other AS (SELECT *, CASE p WHEN :busy THEN p ELSE (p + k * :cases) % :people END AS n
                FROM k CROSS JOIN seed)
            SELECT k, old_id, 'c' || k || substr(old_id, 2) AS new_id, old_person,
                printf('p-%06d', n) AS new_person, old_number, number_of(n) AS new_number,
                k * :step / :copies AS later FROM other ORDER BY k, old_id""",
        {**size._asdict(), "copies": size.copies, "busy": BUSY, "step": step_ms},
    )
    sql.execute(
        """CREATE TEMP TABLE seed_texts AS SELECT t.*, json_extract(r.json, '$.body') AS body
            FROM texts t CROSS JOIN requests r INDEXED BY requests_lookup
            ON r.message_id = t.message_id AND r.tenant = t.tenant"""
    )
    sql.execute("CREATE INDEX temp.seed_texts_id ON seed_texts (message_id)")


def _copy_texts(sql: sqlite3.Connection) -> None:
    source = "FROM copies c CROSS JOIN seed_texts t ON t.message_id = c.old_id"
    key = "((((t.key >> 20) + c.later) << 20) | ((t.key + c.k) & 1048575))"
    sql.execute("BEGIN")
    sql.execute(f"INSERT INTO texts SELECT {key}, t.tenant, c.new_id {source}")
    sql.execute(f"INSERT INTO text_words (rowid, body) SELECT {key}, t.body {source} ORDER BY 1")
    sql.execute("COMMIT")


JSON: Final = """replace(replace(replace(o.json, '"' || old_id || '"', '"' || new_id || '"'),
    '"' || old_person || '"', '"' || new_person || '"'),
    '"' || old_number || '"', '"' || new_number || '"')"""
CHANGED: Final = {
    "identity": "o.tenant || '/' || new_id",
    "message_id": "new_id",
    "person_id": "new_person",
    "number": "new_number",
    "off": "off + 10000000 * k",
    "at_ms": "at_ms + later",
    "requested_ms": "requested_ms + later",
    "turns_ms": "turns_ms + later",
    "said_ms": "said_ms + later",
    "json": JSON,
}


def add_size(parser: argparse.ArgumentParser) -> None:
    for name, count in Size()._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=count)


def read_size(given: argparse.Namespace) -> Size:
    return Size(given.messages, given.people, given.cases)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.big_ledger", description=__doc__)
    parser.add_argument("folder", type=Path)
    add_size(parser)
    given = parser.parse_args()
    began = time.perf_counter()
    path = fill(given.folder, read_size(given))
    seconds = time.perf_counter() - began
    print(f"{path}: {path.stat().st_size / 1e6:,.0f} MB, {seconds:.0f} s")


if __name__ == "__main__":
    main()
