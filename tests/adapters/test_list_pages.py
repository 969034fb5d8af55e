"""Lists of cases, conversations, alerts and dead letters: any filter, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from schemas import topics
from schemas.case import Case
from schemas.consent import ConsentStatus, RevocationInQuestion
from schemas.dead_letter import DeadLetter
from schemas.inbound import Reply
from schemas.outcome import Alert, Urgency
from schemas.person import Person
from schemas.send_request import Dismissal
from schemas.thread import FiledText, Thread
from services.ledger import message_search
from services.ledger.alert_pages import AlertFilter, count_alerts, read_alerts, read_dead_letters
from services.ledger.case_pages import CaseFilter, count_cases, read_calendar, read_cases
from services.ledger.dead_letters import DeadLetterFilter
from services.ledger.message_pages import MessageFilter
from services.ledger.message_search import search_messages
from services.ledger.paging import InvalidCursor, Page
from services.ledger.scope import EVERYTHING, Scope
from services.ledger.thread_pages import ThreadFilter, count_threads, read_threads
from tests.adapters.ledger_filler import LedgerFiller
from tests.adapters.ledger_messages import ANA, make_history

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEN: Final = "+14155550102"
COURT: Final = Scope({"acme": frozenset({"court"})})


@pytest.fixture
def filler(tmp_path: Path) -> Iterator[LedgerFiller]:
    filler = LedgerFiller(tmp_path / "ledger.sqlite")
    yield filler
    filler.ledger.close()


def walk(read: Callable[[str | None], Page[Any]]) -> list[Any]:
    """All rows, page by page."""
    found, cursor = list[Any](), None
    while True:
        page = read(cursor)
        found += page.rows
        cursor = page.cursor
        if cursor is None:
            return found


# Cases.


def add_case(filler: LedgerFiller, case_id: str, minutes: int = 0, **more: Any) -> None:
    known: dict[str, Any] = {"tenant": "acme", "case_id": case_id, "time_zone": "UTC"}
    known |= {"version": 1, "at": NOON + timedelta(minutes=minutes), "title": f"In re {case_id}"}
    filler.add(topics.CASES, Case(**(known | more)))


def event(event_id: str, hours: int, **more: Any) -> dict[str, Any]:
    at = NOON + timedelta(hours=hours)
    known = {"event_id": event_id, "title": f"Hearing {event_id}", "starts_at": at.isoformat()}
    return known | {"time_zone": "UTC", "at": at} | more


def case_ids(filler: LedgerFiller, wanted: CaseFilter = CaseFilter()) -> list[str]:  # noqa: B008 - a constant
    rows = walk(lambda cursor: read_cases(filler.ledger, wanted, NOON, cursor=cursor, limit=2))
    assert count_cases(filler.ledger, wanted).number == len(rows)
    return [row.case_id for row in rows]


def test_cases_are_listed_with_their_next_event_and_the_last_changed_first(filler: LedgerFiller):
    add_case(filler, "c1", branch="court", parties=[{"person_id": "p1", "role": "client"}])
    add_case(filler, "c2", 1, events=[event("past", -1), event("e2", 9), event("e1", 3)])
    add_case(filler, "c3", 1, closed=True)
    add_case(filler, "c4", 1, tenant="bolt", reference="AB-17")
    add_case(filler, "c1", 5, version=2, branch="court", events=[event("off", 1, canceled=True)])
    assert case_ids(filler) == ["c1", "c2", "c4"]
    assert case_ids(filler, CaseFilter(closed=None)) == ["c1", "c2", "c3", "c4"]
    assert case_ids(filler, CaseFilter(closed=True)) == ["c3"]
    assert case_ids(filler, CaseFilter(COURT)) == ["c1"]
    assert case_ids(filler, CaseFilter(Scope({"acme": None}))) == ["c1", "c2"]
    assert case_ids(filler, CaseFilter(branches=frozenset({"court"}))) == ["c1"]
    assert case_ids(filler, CaseFilter(search=" ab-1")) == ["c4"]
    assert case_ids(filler, CaseFilter(search="IN RE C2")) == ["c2"]
    rows = read_cases(filler.ledger, CaseFilter(), NOON).rows
    assert [row.next_event.event_id if row.next_event else None for row in rows[:2]] == [None, "e1"]


def test_the_calendar_has_events_of_open_cases_by_time(filler: LedgerFiller):
    add_case(filler, "c1", branch="court", events=[event("e1", 3), event("e2", 30)])
    add_case(filler, "c2", events=[event("e1", 3), event("off", 4, canceled=True)])
    add_case(filler, "c3", closed=True, events=[event("e1", 3)])
    add_case(filler, "c4", events=[event("old", 3)])
    add_case(filler, "c4", version=2, events=[event("new", 2)])

    def read(scope: Scope, hours: int = 24) -> list[tuple[str, str]]:
        until = NOON + timedelta(hours=hours)
        rows = walk(
            lambda one: read_calendar(filler.ledger, scope, NOON, until, cursor=one, limit=1)
        )
        return [(row.case_id, row.event.event_id) for row in rows]

    assert read(EVERYTHING) == [("c4", "new"), ("c1", "e1"), ("c2", "e1")]
    assert read(COURT, 48) == [("c1", "e1"), ("c1", "e2")]


# Conversations.


def add_thread(filler: LedgerFiller, number: str, minutes: int | None, **more: Any) -> None:
    """`minutes`: for how long they have been waiting."""
    since = None if minutes is None else NOON - timedelta(minutes=minutes)
    case_id = more.pop("case_id", None)
    text = FiledText(inbound_id=f"SM{number}", case_id=case_id, use="waits", at=NOON)
    known = {"tenant": "acme", "number": number, "waiting_since": since, "last_inbound": text}
    filler.add(topics.THREADS, Thread(**(known | {"version": 1, "at": NOON} | more)))


def numbers(filler: LedgerFiller, wanted: ThreadFilter = ThreadFilter()) -> list[str]:  # noqa: B008 - a constant
    rows = walk(lambda cursor: read_threads(filler.ledger, wanted, cursor=cursor, limit=2))
    assert count_threads(filler.ledger, wanted).number == len(rows)
    return [row.thread.number[-4:] for row in rows]


def test_who_waits_comes_first_the_longest_before_others(filler: LedgerFiller):
    add_case(filler, "c1", branch="court")
    add_thread(filler, "+14155550101", 5, case_id="c1", person_ids=["p1"])
    add_thread(filler, "+14155550102", 90, assigned_to="dana")
    add_thread(filler, "+14155550103", None, at=NOON + timedelta(hours=1))
    add_thread(filler, "+14155550104", None)
    add_thread(filler, "+14155550105", 30, tenant="bolt")
    number = {"number": "+14155550101", "sms_enabled": True}
    ana = Person(tenant="acme", person_id="p1", name="Ana Rivera", numbers=[number], at=NOON)
    filler.add(topics.PEOPLE, ana)
    assert numbers(filler) == ["0102", "0105", "0101", "0103", "0104"]
    assert numbers(filler, ThreadFilter(waiting=True)) == ["0102", "0105", "0101"]
    assert numbers(filler, ThreadFilter(waiting=False)) == ["0103", "0104"]
    assert numbers(filler, ThreadFilter(assigned_to="dana")) == ["0102"]
    assert numbers(filler, ThreadFilter(unassigned=True, waiting=True)) == ["0105", "0101"]
    assert numbers(filler, ThreadFilter(without_case=True)) == ["0102", "0105", "0103", "0104"]
    assert numbers(filler, ThreadFilter(case="c1")) == ["0101"]
    assert numbers(filler, ThreadFilter(COURT)) == ["0101"]
    assert numbers(filler, ThreadFilter(branches=frozenset({"court"}))) == ["0101"]
    assert numbers(filler, ThreadFilter(search="0103")) == ["0103"]
    assert numbers(filler, ThreadFilter(search="rivera")) == ["0101"]
    assert numbers(filler, ThreadFilter(search="nobody")) == []
    [row] = read_threads(filler.ledger, ThreadFilter(COURT)).rows
    assert (row.names, row.case_title, row.branch) == (("Ana Rivera",), "In re c1", "court")


def test_a_conversation_shows_the_last_text_and_whether_it_may_be_a_stop(filler: LedgerFiller):
    for number in (ANA, BEN):
        add_thread(filler, number, 5)
    reply = Reply(
        tenant="acme",
        number=ANA,
        sender="72975",
        provider_id=f"SM{ANA}",
        body="leave me alone",
        received_at=NOON,
    )
    filler.add(topics.REPLIES, reply)
    asked = RevocationInQuestion(since=NOON, opt_out_at=NOON, event_id="e")
    status = {"tenant": "acme", "number": ANA, "state": "opted_in", "since": NOON}
    status |= {"consent_epoch": 1, "source": "inbound", "in_question": asked}
    filler.add(topics.CONSENT_STATUS, ConsentStatus(**status))
    assert numbers(filler, ThreadFilter(in_question=True)) == [ANA[-4:]]
    first = read_threads(filler.ledger, ThreadFilter()).rows[0]
    assert first.reply is not None
    assert (first.reply.body, first.in_question) == ("leave me alone", True)


# Alerts and dead letters.


def add_alert(filler: LedgerFiller, name: str, hours: int | None, **more: Any) -> None:
    before = None if hours is None else NOON + timedelta(hours=hours)
    known: dict[str, Any] = {"tenant": "acme", "message_id": name, "kind": "reminder"}
    known |= {"state": "failed", "says": name, "urgency": Urgency.NORMAL, "before": before}
    filler.add(topics.ALERTS, Alert(**(known | {"version": 1, "at": NOON} | more)))


def test_alerts_are_listed_by_the_time_that_is_left(filler: LedgerFiller):
    past = {"event_at": NOON - timedelta(hours=1)}
    add_alert(filler, "later", 30, branch="court")
    add_alert(filler, "soon", 2)
    add_alert(filler, "unknown", None)
    add_alert(filler, "passed", -1, **past)
    add_alert(filler, "graced", -2)
    add_alert(filler, "done", 1, open=False)
    add_alert(filler, "seen", 1)
    filler.add(topics.DISMISSALS, Dismissal(tenant="acme", message_id="seen", by="dana", at=NOON))
    filler.store._sql.execute("UPDATE alerts SET at_ms = ?", (NOON.timestamp() * 1000,))

    def names(wanted: AlertFilter) -> list[str]:
        rows = walk(lambda one: read_alerts(filler.ledger, wanted, NOON, cursor=one, limit=2))
        assert count_alerts(filler.ledger, wanted, NOON).number == len(rows)
        return [row.alert.message_id for row in rows]

    assert names(AlertFilter()) == ["graced", "soon", "later", "unknown", "passed"]
    assert names(AlertFilter(COURT)) == ["later"]
    assert len(names(AlertFilter(closed=True))) == 7


def test_dead_letters_are_listed_newest_first(filler: LedgerFiller):
    for n in range(5):
        letter = DeadLetter(
            room="threads",
            topic="sms.replies",
            partition=0,
            offset=n,
            timestamp=NOON,
            cause="unreadable",
            reason="x",
            at=NOON,
        )
        filler.add(topics.DEAD_LETTERS, letter)
    known = filler.ledger.rows("SELECT part, off FROM dead_letters ORDER BY off DESC")
    resolved = {"topic": "sms.replies", "source_partition": 0, "partition": known[0]["part"]}
    resolved |= {"offset": known[0]["off"], "action": "dropped", "by": "dana", "at": NOON}
    filler.add(topics.LETTER_RESOLUTIONS, resolved)

    def offsets(wanted: DeadLetterFilter) -> list[int]:
        rows = walk(lambda one: read_dead_letters(filler.ledger, wanted, cursor=one, limit=2))
        return [row.offset for row in rows]

    assert offsets(DeadLetterFilter(resolved=True)) == [row["off"] for row in known]
    assert offsets(DeadLetterFilter()) == [row["off"] for row in known[1:]]
    assert offsets(DeadLetterFilter(topic="sms.inbound")) == []


# Search of messages.


def add_texts(filler: LedgerFiller) -> None:
    number = {"number": BEN, "sms_enabled": True}
    ben = Person(tenant="acme", person_id="p2", name="Ben Ng", numbers=[number], at=NOON)
    filler.add(topics.PEOPLE, ben)
    for n in range(12):
        at = NOON + timedelta(minutes=n // 2)
        request, decision, outcome = make_history(
            f"m{n}", at=at, person_id="p2" if n == 3 else None
        )
        words = "Your hearings are on Tuesday" if n % 2 else "Papers are ready"
        filler.add(request[0], request[1].model_copy(update={"body": words}))
        filler.add(*decision)
        filler.add(*outcome)


@pytest.mark.parametrize("looked_at", [2, 100])
@pytest.mark.parametrize("limit", [1, 3])
def test_a_search_finds_words_ids_numbers_and_names(
    filler: LedgerFiller, monkeypatch: pytest.MonkeyPatch, looked_at: int, limit: int
):
    monkeypatch.setattr(message_search, "MOST_LOOKED_AT", looked_at)
    add_texts(filler)

    def find(search: str, wanted: MessageFilter = MessageFilter(), reads: bool = True) -> list[int]:  # noqa: B008 - a constant
        rows = walk(
            lambda cursor: search_messages(
                filler.ledger,
                wanted,
                search,
                NOON,
                may_read_texts=reads,
                cursor=cursor,
                limit=limit,
            )
        )
        assert len({row.message_id for row in rows}) == len(rows)
        return [int(row.message_id[1:]) for row in rows]

    assert find("hearing") == [11, 9, 7, 5, 3, 1]
    assert find("hearing tuesday") == [11, 9, 7, 5, 3, 1]
    assert find("papers tuesday") == []
    assert find("hearing", reads=False) == []
    assert find("hearing", MessageFilter(person="p2")) == [3]
    assert find("hearing", MessageFilter(states=frozenset({"failed"}))) == []
    assert find("hearing", MessageFilter(Scope({"bolt": None}))) == []
    assert find("m1") == [11, 10, 1]
    assert find("Ben Ng") == [3]
    assert sorted(find(ANA[-7:])) == []  # nobody on record has it
    assert sorted(find(ANA)) == list(range(12))
    assert find('"') == find("") == find("  ") == find("%") == []


def test_a_search_has_cursors_of_its_own(filler: LedgerFiller):
    add_texts(filler)
    read = {"now": NOON, "may_read_texts": True}
    cursor = search_messages(filler.ledger, MessageFilter(), "hearing", limit=1, **read).cursor
    with pytest.raises(InvalidCursor):
        search_messages(filler.ledger, MessageFilter(), "papers", cursor=cursor, **read)
