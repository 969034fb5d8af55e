"""Everything that can be asked of a ledger, for what is in one: two ledgers with the same records
must give the same answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from services.ledger import (
    alert_pages,
    case_pages,
    cases,
    change_feed,
    consent,
    consent_audit,
    dead_letters,
    entry_pages,
    mailbox,
    message_log,
    message_pages,
    message_search,
    message_status,
    people,
    person_pages,
    questions,
    reconciliation,
    sender_overview,
    templates,
    thread_pages,
    threads,
    usage,
    usage_totals,
    waiting,
)
from services.ledger.explain import explain
from services.ledger.ledger import Ledger
from services.ledger.paging import Page
from services.ledger.scope import EVERYTHING, Scope
from services.operations.known_number import read_known_number
from streams.mailboxes import Box

SAMPLE = 6
"""Of each kind: messages, numbers, people, cases."""


class Known(NamedTuple):
    """What is in a ledger."""

    tenants: list[str]
    messages: list[tuple[str, str]]
    numbers: list[tuple[str, str]]
    people: list[tuple[str, str]]
    cases: list[tuple[str, str]]
    senders: list[str]


def look_round(ledger: Ledger) -> Known:
    def some(*sources: str) -> list[tuple[str, str]]:
        sql = " UNION ".join(sources)
        rows = sorted(tuple(row) for row in ledger.rows(sql) if None not in tuple(row))
        return rows[:: max(len(rows) // SAMPLE, 1)]

    return Known(
        sorted({row[0] for row in ledger.rows("SELECT tenant FROM facets")}),
        some(
            "SELECT tenant, message_id FROM outcomes",
            "SELECT tenant, message_id FROM requests",
            "SELECT tenant, message_id FROM case_texts",
        ),
        some(
            "SELECT tenant, number FROM consent_status",
            "SELECT tenant, number FROM threads",
            "SELECT tenant, number FROM decisions",
            "SELECT tenant, number FROM consent_log",
        ),
        some("SELECT tenant, person_id FROM people", "SELECT tenant, person_id FROM outcomes"),
        some("SELECT tenant, case_id FROM cases", "SELECT tenant, case_id FROM case_events"),
        sorted(row[0] for row in ledger.rows("SELECT sender FROM senders")),
    )


def ask_everything(ledger: Ledger, now: datetime) -> Iterator[tuple[str, Any]]:
    """Question and answer."""
    known = look_round(ledger)
    yield "known", known
    for name, answer in _ask(ledger, known, now):
        yield name, [*answer] if isinstance(answer, Iterator) else answer


def _ask(ledger: Ledger, known: Known, now: datetime) -> Iterator[tuple[str, Any]]:
    for tenant in (None, *known.tenants[:3]):
        yield from _ask_tenant(ledger, tenant, now)
    for tenant, message_id in known.messages:
        yield f"explain {message_id}", explain(ledger, message_id, tenant)
        yield f"explain {message_id} at", explain(ledger, message_id, tenant, now)
        yield f"statuses {message_id}", message_status.find_statuses(ledger, message_id)
        for find in (
            message_status.find_request,
            message_status.list_resends,
            message_status.find_decided_approval,
            message_status.find_cancel,
            message_status.find_dismissal,
        ):
            yield f"{find.__name__} {message_id}", find(ledger, tenant, message_id)
    ids = tuple(message_id for _, message_id in known.messages)
    yield "find messages", mailbox.find_messages(ledger, mailbox.MailboxFilter(ids=ids), now)
    yield "open alerts", mailbox.find_open_alerts(ledger, ids)
    for tenant, number in known.numbers:
        yield from _ask_number(ledger, tenant, number)
    for tenant, person_id in known.people:
        yield f"people {person_id}", people.find_people(ledger, person_id)
        yield f"numbers {person_id}", people.list_numbers_of(ledger, tenant, person_id)
        row = person_pages.find_person_row(ledger, EVERYTHING, tenant, person_id)
        yield f"person {person_id}", row
    for tenant, case_id in known.cases:
        yield f"case {case_id}", cases.find_cases(ledger, case_id)
        yield f"case names {case_id}", cases.find_case_names(ledger, case_id)
        yield f"case texts {case_id}", cases.list_case_texts(ledger, tenant, case_id)
        yield f"case changes {case_id}", cases.list_case_changes(ledger, tenant, case_id)
        yield f"case title {case_id}", cases.find_case_title(ledger, tenant, case_id)
        yield f"by id {case_id}", cases.list_cases_by_id(ledger, tenant, [case_id, "none"])
        yield f"branches {case_id}", cases.list_branches(ledger, tenant, [case_id, "none"])
    for sender in known.senders:
        yield f"control {sender}", sender_overview.find_last_control(ledger, sender)
    scopes = [EVERYTHING, *(Scope({one: None}) for one in known.tenants[:2])]
    scopes += [Scope({one: frozenset({"appeals", "court", ""})}) for one in known.tenants[:1]]
    for scope in scopes:
        for name, page in _lists(ledger, scope, known, now):
            for at, rows in enumerate(_pages(page)):
                yield f"{name} {scope} page {at}", rows
        yield from _counts(ledger, scope, now)
    found = change_feed.changes_since(ledger, change_feed.position(ledger)._replace(seq=0))
    yield "changes", (found.changes, found.position.seq) if found else None


def _ask_tenant(ledger: Ledger, tenant: str | None, now: datetime) -> Iterator[tuple[str, Any]]:
    params = consent_audit.AuditParams(now, timedelta(days=3))
    yield f"usage {tenant}", usage.read_usage(ledger, usage.UsageFilter(tenant))
    for by in ((), ("tenant", "state", "error_code"), ("period", "sender")):
        summed = usage_totals.sum_usage(ledger, usage.UsageFilter(tenant), by, None)
        yield f"sums of {tenant} by {by}", summed
    for since, branches in ((date(2026, 2, 11), None), (None, {"court", "estate"})):
        of_period = usage.UsageFilter(tenant, since, date(2026, 11, 20))
        for by in (("kind", "state"), ("period", "state"), ("branch", "sender")):
            summed = usage_totals.sum_usage(ledger, of_period, by, branches)
            yield f"sums of {tenant} since {since} by {by}", summed
        days = usage_totals.count_by_day(ledger, of_period, branches)
        yield (
            f"days of {tenant} since {since}",
            sorted((day, sorted(states.items())) for day, states in days.items()),
        )
    yield f"system {tenant}", usage.count_system_messages(ledger, tenant)
    yield f"verdicts {tenant}", sorted(usage.count_by_verdict(ledger, tenant).items())
    yield f"tests {tenant}", usage.count_tests(ledger, tenant)
    yield f"segments {tenant}", usage.total_segments(ledger, tenant)
    yield f"differences {tenant}", sorted(usage.list_differences(ledger, tenant))
    yield f"contradictions {tenant}", sorted(usage.list_contradictions(ledger, tenant))
    yield f"codes {tenant}", usage.count_codes(ledger)
    yield f"log {tenant}", message_log.list_messages(ledger, message_log.Period(tenant=tenant))
    period = message_log.Period(date(2026, 11, 1), date(2026, 11, 28), tenant)
    yield f"log of november {tenant}", message_log.list_messages(ledger, period)
    yield f"count {tenant}", message_log.count_messages(ledger, period)
    yield f"waiting {tenant}", waiting.list_waiting(ledger, tenant, now.timestamp())
    yield f"in doubt {tenant}", message_status.list_in_doubt(ledger, tenant)
    yield f"audit {tenant}", consent_audit.run_audit(ledger, tenant, params)
    yield f"threads {tenant}", threads.list_waiting_threads(ledger, tenant)
    yield f"questions {tenant}", questions.list_questions(ledger, tenant)
    yield f"cases {tenant}", cases.list_cases(ledger, tenant, closed=True)
    yield f"open cases {tenant}", cases.list_cases(ledger, tenant)
    yield f"case names {tenant}", sorted(cases.list_case_names(ledger, tenant))
    yield f"unbalanced {tenant}", reconciliation.list_unbalanced(ledger, tenant)
    for closed in (False, True):
        yield f"alerts {tenant}", mailbox.list_alerts(ledger, now, tenant, closed=closed)
    for box in Box:
        found = mailbox.list_mailbox(ledger, box, mailbox.MailboxFilter(tenant), now)
        yield f"{box} {tenant}", islice(found, 20)
    hours = reconciliation.list_hours(ledger, now - timedelta(days=4000), now, tenant)
    yield f"hours {tenant}", hours
    yield f"balances {tenant}", reconciliation.find_changes(ledger, hours[:5], now)
    if tenant is None:
        yield "senders", sender_overview.list_senders(ledger)
        yield "inbound", sender_overview.check_inbound(ledger)
        yield (
            "letters",
            dead_letters.list_dead_letters(ledger, dead_letters.DeadLetterFilter(resolved=True)),
        )
        yield "letter counts", dead_letters.count_dead_letters(ledger)
        yield "question ages", questions.measure_questions(ledger)
    else:
        yield f"templates {tenant}", templates.list_versions(ledger, tenant)
        yield f"settings {tenant}", cases.find_settings(ledger, tenant)
        yield f"person ids {tenant}", sorted(cases.list_person_ids(ledger, tenant))


def _ask_number(ledger: Ledger, tenant: str, number: str) -> Iterator[tuple[str, Any]]:
    yield f"consent {number}", consent.read_consent(ledger, number)
    yield f"logs {number}", consent.read_consent_logs(ledger, number)
    yield f"thread {number}", threads.find_threads(ledger, number)
    yield f"thread tenants {number}", threads.find_thread_tenants(ledger, number)
    yield f"talk {number}", threads.read_conversation(ledger, tenant, number)
    for at, page in enumerate(
        _pages(
            lambda cursor: entry_pages.read_entries(ledger, tenant, number, cursor=cursor, limit=3)
        )
    ):
        yield f"talk {number} page {at}", page
    yield f"last of talk {number}", threads.read_conversation(ledger, tenant, number, 3)
    yield f"replies {number}", threads.list_reply_ids(ledger, tenant, number)
    yield f"waits {number}", threads.find_waiting(ledger, tenant, [number])
    yield f"facts {number}", people.list_number_facts(ledger, number, None)
    yield f"question {number}", questions.find_question(ledger, tenant, number)
    yield f"known {number}", read_known_number(ledger, tenant, number)
    yield f"statuses {number}", cases.list_statuses(ledger, tenant, {number})


_Read = Callable[[str | None], Page[Any]]


def _lists(
    ledger: Ledger, scope: Scope, known: Known, now: datetime
) -> Iterator[tuple[str, _Read]]:
    base = message_pages.MessageFilter(scope)
    person = known.people[0][1] if known.people else "p"
    for wanted in (
        base,
        base._replace(attention=True),
        base._replace(box=Box.OUTBOX),
        base._replace(states=frozenset({"held", "undelivered"})),
        base._replace(since=date(2026, 1, 1), until=date(2026, 11, 27)),
        base._replace(person=person),
        base._replace(number=known.numbers[0][1] if known.numbers else "+12125550100"),
    ):
        yield (
            f"messages {wanted[1:]}",
            lambda cursor, wanted=wanted: message_pages.read_messages(  # type: ignore[misc]
                ledger, wanted, now, cursor=cursor, limit=7
            ),
        )
    for search in ("hearing", "Rivera", "2125550", "m-00000", "papers court", "_", "an"):
        yield (
            f"search {search}",
            lambda cursor, search=search: message_search.search_messages(  # type: ignore[misc]
                ledger, base, search, now, may_read_texts=True, cursor=cursor, limit=9
            ),
        )
    for search in ("", "ana", "riv", "5550", "z"):
        people_wanted = person_pages.PersonFilter(scope, search=search)
        yield (
            f"people {search}",
            lambda cursor, wanted=people_wanted: person_pages.read_people(  # type: ignore[misc]
                ledger, wanted, cursor=cursor, limit=8
            ),
        )
    for thread in (
        thread_pages.ThreadFilter(scope),
        thread_pages.ThreadFilter(scope, search="ana"),
        thread_pages.ThreadFilter(scope, search="555"),
        thread_pages.ThreadFilter(scope, any_case=True, waiting=False),
        thread_pages.ThreadFilter(scope, branches=frozenset({"court"})),
    ):
        yield (
            f"threads {thread[1:]}",
            lambda cursor, wanted=thread: thread_pages.read_threads(  # type: ignore[misc]
                ledger, wanted, cursor=cursor, limit=6
            ),
        )
    for case in (
        case_pages.CaseFilter(scope),
        case_pages.CaseFilter(scope, closed=None, search="re"),
        case_pages.CaseFilter(scope, closed=None, person=person),
    ):
        yield (
            f"cases {case[1:]}",
            lambda cursor, wanted=case: case_pages.read_cases(  # type: ignore[misc]
                ledger, wanted, now, cursor=cursor, limit=5
            ),
        )
    for alerts in (
        alert_pages.AlertFilter(scope),
        alert_pages.AlertFilter(scope, closed=True, person=person),
        alert_pages.AlertFilter(scope, closed=True),
    ):
        yield (
            f"alerts {alerts[1:]}",
            lambda cursor, wanted=alerts: alert_pages.read_alerts(  # type: ignore[misc]
                ledger, wanted, now, cursor=cursor, limit=5
            ),
        )
    yield (
        "letters",
        lambda cursor: alert_pages.read_dead_letters(
            ledger, dead_letters.DeadLetterFilter(), cursor=cursor, limit=3
        ),
    )
    yield "to read", lambda cursor: questions.read_questions(ledger, scope, cursor=cursor, limit=2)
    since, until = now - timedelta(days=60), now + timedelta(days=60)
    yield (
        "calendar",
        lambda cursor: case_pages.read_calendar(
            ledger, scope, since, until, cursor=cursor, limit=20
        ),
    )


def _pages(read: _Read) -> Iterator[Page[Any]]:
    page = read(None)
    for _ in range(4):
        yield page
        if page.cursor is None:
            return
        page = read(page.cursor)


def _counts(ledger: Ledger, scope: Scope, now: datetime) -> Iterator[tuple[str, Any]]:
    base = message_pages.MessageFilter(scope)
    yield f"boxes {scope}", message_pages.count_boxes(ledger, scope, now)
    yield f"states {scope}", sorted(message_pages.count_states(ledger, scope, now).items())
    yield f"count {scope}", message_pages.count_messages(ledger, base, now)
    dated = base._replace(since=date(2026, 1, 1), until=date(2026, 11, 20))
    yield f"dated {scope}", message_pages.count_messages(ledger, dated, now)
    yield f"selected {scope}", message_pages.select_messages(ledger, dated, now, 30)
    yield f"reach {scope}", sorted(person_pages.count_reach(ledger, scope).items())
    some = frozenset({"court", "estate"})
    yield f"reach of {scope}", sorted(person_pages.count_reach(ledger, scope, some).items())
    yield f"threads {scope}", thread_pages.count_threads(ledger, thread_pages.ThreadFilter(scope))
    yield f"cases {scope}", case_pages.count_cases(ledger, case_pages.CaseFilter(scope))
    yield f"alerts {scope}", alert_pages.count_alerts(ledger, alert_pages.AlertFilter(scope), now)
    yield f"questions {scope}", questions.count_questions(ledger, scope)
    yield f"letters {scope}", alert_pages.count_open_letters(ledger)


NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
