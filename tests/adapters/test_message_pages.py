"""Lists of messages against a plain reading of every message: any filter, any depth, any order of
arrival."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from schemas.decision import Verdict
from schemas.send_request import Dismissal
from schemas.tenant_settings import TenantSettings
from schemas.topics import DISMISSALS, SETTINGS
from services.ledger.ledger import Ledger
from services.ledger.message_items import MailboxItem, read_items
from services.ledger.message_pages import (
    MessageFilter,
    count_boxes,
    count_messages,
    read_messages,
    select_messages,
)
from services.ledger.message_search import search_messages
from services.ledger.message_status import find_statuses
from services.ledger.paging import InvalidCursor
from services.ledger.scope import EVERYTHING, Scope
from streams.lifecycle import State
from streams.mailboxes import Box
from tests.adapters.ledger_filler import LedgerFiller, make_record
from tests.adapters.ledger_messages import TopicMessage, make_decision, make_outcome, make_request

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONES: Final = {"acme": "America/Los_Angeles", "bolt": "Asia/Tokyo"}
HOLDS: Final = (
    "awaiting_approval",
    "quiet_hours",
    "consent_unreadable",
    "not_opted_in",
    "no_number",
)
VERDICTS: Final = {"held": Verdict.HOLD, "rejected": Verdict.REJECT, "expired": Verdict.EXPIRE}
NUMBERS: Final = ("+14155550101", "+14155550102", "+14155550103")


def make_findings(some: random.Random, verdict: Verdict) -> list[dict[str, Any]]:
    if verdict is Verdict.REJECT:
        return [_finding(some.choice(("not_approved", "opted_out")), verdict)]
    if verdict is not Verdict.HOLD:
        return []
    found = []
    for rule in some.sample(HOLDS, some.randint(1, 3)):
        ends = some.choice((None, NOON + timedelta(hours=some.randint(-30, 30))))
        found.append(_finding(rule, verdict, ends))
    return found


def _finding(rule: str, verdict: Verdict, until: datetime | None = None) -> dict[str, Any]:
    return {"rule": rule, "verdict": verdict, "reason": "why", "until": until}


def make_messages(some: random.Random, count: int) -> list[TopicMessage]:
    """Requested, decided several times, with outcomes, resent, dismissed: in any order."""
    found: list[TopicMessage] = []
    for n in range(count):
        state = str(some.choice(list(State)))
        about: dict[str, Any] = {
            "tenant": some.choice(list(ZONES)),
            "branch": some.choice((None, "court", "estate")),
            "kind": some.choice(("reminder", "direct")),
            "person_id": some.choice((None, "p1", "p2")),
            "case_id": some.choice((None, "c1")),
            "to": some.choice(NUMBERS),
        }
        at = NOON + timedelta(minutes=some.randint(-3000, 0))
        verdict = VERDICTS.get(state, Verdict.SEND)
        code = some.choice((None, "30005", "30003")) if verdict is Verdict.SEND else None
        for seq in range(1, some.randint(2, 4)):
            judged = {"verdict": verdict, "findings": make_findings(some, verdict), "seq": seq}
            found.append(make_decision(f"m{n}", at, **about, **judged))
        became = {"version": 2, "error_code": code, **about}
        found.append(make_outcome(f"m{n}", "queued", at, **about))
        found.append(make_outcome(f"m{n}", state, at, **became))
        if some.random() < 0.1:
            dismissed = Dismissal(tenant=about["tenant"], message_id=f"m{n}", by="dana", at=NOON)
            found.append((DISMISSALS, dismissed))
        again = f"m{some.randrange(count)}" if some.random() < 0.1 else None
        found.append(make_request(f"m{n}", at, resend_of=again, **about))
    some.shuffle(found)
    return found


@pytest.fixture(params=range(4))
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    filler = LedgerFiller(tmp_path / "ledger.sqlite")
    for tenant, zone in ZONES.items():
        settings = TenantSettings(tenant=tenant, name=tenant, sender="1", time_zone=zone)
        filler.add(SETTINGS, settings)
    some = random.Random(request.param)
    messages = make_messages(some, 150)
    records = [make_record(topic, offset, one) for offset, (topic, one) in enumerate(messages)]
    while records:
        size = some.randint(1, 80)
        filler.apply(*records[:size])
        records = records[size:]
    yield filler.ledger
    filler.ledger.close()


def read_all(ledger: Ledger, now: datetime) -> list[MailboxItem]:
    rows = ledger.rows("SELECT rowid AS row FROM outcomes ORDER BY requested_ms DESC, rowid DESC")
    return read_items(ledger, [row["row"] for row in rows], now)


def is_wanted(item: MailboxItem, wanted: MessageFilter) -> bool:
    outcome = item.outcome
    requested = datetime.fromisoformat(outcome["requested_at"])
    day = requested.astimezone(ZoneInfo(ZONES[item.tenant])).date()
    return (
        wanted.scope.allows(item.tenant, outcome.get("branch"))
        and wanted.box in (None, item.box)
        and wanted.attention in (None, item.attention)
        and (not wanted.states or outcome["state"] in wanted.states)
        and (not wanted.codes or outcome.get("error_code") in wanted.codes)
        and (not wanted.kinds or outcome["kind"] in wanted.kinds)
        and (not wanted.senders or outcome["sender"] in wanted.senders)
        and (not wanted.branches or outcome.get("branch") in wanted.branches)
        and wanted.person in (None, outcome.get("person_id"))
        and wanted.case in (None, outcome.get("case_id"))
        and wanted.number in (None, outcome["to"])
        and (wanted.since or day) <= day <= (wanted.until or day)
    )


def make_filter(some: random.Random) -> MessageFilter:
    def maybe(*values: Any) -> Any:
        return some.choice(values) if some.random() < 0.3 else None

    def several(*values: str) -> frozenset[str]:
        return frozenset(some.sample(values, some.randint(1, 2)) if some.random() < 0.2 else ())

    scopes = (
        Scope({"acme": None}),
        Scope({"acme": frozenset({"court"}), "bolt": None}),
        Scope({"bolt": frozenset({"estate", ""})}),
        Scope({}),
    )
    days = [date(2026, 11, day) for day in (19, 20, 21, 22)]
    return MessageFilter(
        scope=maybe(*scopes) or EVERYTHING,
        box=maybe(*Box, *Box),
        attention=maybe(True, False),
        states=several("held", "failed", "delivered", "rejected"),
        codes=several("30005", "30003"),
        kinds=several("reminder", "marketing"),
        senders=several("72975", "none"),
        branches=several("court", "estate"),
        person=maybe("p1", "nobody"),
        case=maybe("c1"),
        number=maybe(*NUMBERS),
        since=maybe(*days),
        until=maybe(*days),
    )


@pytest.mark.parametrize("hours", [-40, 0, 40])
def test_pages_have_what_a_plain_reading_has_in_its_order(ledger: Ledger, hours: int):
    now = NOON + timedelta(hours=hours)
    every = read_all(ledger, now)
    some = random.Random(hours)
    sizes = set()
    for _ in range(120):
        wanted = make_filter(some)
        expected = [item.name for item in every if is_wanted(item, wanted)]
        found, cursor = [], None
        while True:
            page = read_messages(ledger, wanted, now, cursor=cursor, limit=7)
            found += [item.name for item in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
            assert len(page.rows) == 7
        assert found == expected, wanted
        assert count_messages(ledger, wanted, now).number == len(expected), wanted
        chosen = select_messages(ledger, wanted, now)
        assert [f"{tenant}/{name}" for tenant, name in chosen.names] == expected
        assert chosen.matching.number == len(expected)
        sizes.add(len(expected))
    assert len(sizes) > 10


def test_tallies_are_what_a_recount_gives(ledger: Ledger):
    recount = Counter(row["facet"] for row in ledger.rows("SELECT facet FROM outcomes"))
    kept = {row["id"]: row["count"] for row in ledger.rows("SELECT id, count FROM facets")}
    assert {facet: count for facet, count in kept.items() if count} == recount
    boxes = count_boxes(ledger, EVERYTHING, NOON)
    every = read_all(ledger, NOON)
    for box in Box:
        assert boxes[box].messages == sum(item.box is box for item in every)
        assert boxes[box].attention == sum(item.box is box and item.attention for item in every)


def test_a_count_stops_where_no_tally_is_kept(ledger: Ledger):
    count = count_messages(ledger, MessageFilter(since=date(2026, 11, 1)), NOON, most=20)
    assert (count.number, count.is_capped, str(count)) == (20, True, "20+")


def test_a_cursor_is_for_its_own_list(ledger: Ledger):
    wanted = MessageFilter(kinds=frozenset({"reminder", "direct"}))
    cursor = read_messages(ledger, wanted, NOON, limit=1).cursor
    assert cursor is not None
    same = MessageFilter(kinds=frozenset({"direct", "reminder"}))
    assert read_messages(ledger, same, NOON, cursor=cursor).rows
    wrong = (cursor[:-2], cursor + "A", "", "é", "x" * 5000, "AAAA", json.dumps([1, 2]))
    for one in wrong[:2] + wrong[3:]:
        with pytest.raises(InvalidCursor):
            read_messages(ledger, wanted, NOON, cursor=one)
    with pytest.raises(InvalidCursor):
        read_messages(ledger, MessageFilter(), NOON, cursor=cursor)


@pytest.mark.parametrize("ledger", [0], indirect=True)
def test_no_list_walks_all_messages(ledger: Ledger):
    """A million of them would take seconds."""
    plans = set[str]()
    store = ledger._store
    rows, each = store.rows, store.each

    def explain(sql: str, *values: Any) -> None:
        plans.update(row["detail"] for row in rows(f"EXPLAIN QUERY PLAN {sql}", *values))

    store.rows = lambda sql, *values: (explain(sql, *values), rows(sql, *values))[1]  # type: ignore[method-assign] - it looks on
    store.each = lambda sql, *values: (explain(sql, *values), each(sql, *values))[1]  # type: ignore[method-assign] - it looks on
    some = random.Random(5)
    for wanted in [make_filter(some) for _ in range(100)] + [MessageFilter()]:
        cursor = read_messages(ledger, wanted, NOON, limit=1).cursor
        read_messages(ledger, wanted, NOON, cursor=cursor)
        select_messages(ledger, wanted, NOON)
        search_messages(ledger, wanted, "hello", NOON, may_read_texts=True)
    count_boxes(ledger, EVERYTHING, NOON)
    find_statuses(ledger, "m1")
    of_messages = [one for one in plans if " o " in f"{one} " or " outcomes " in f"{one} "]
    assert len(of_messages) > 5
    assert [one for one in of_messages if one.startswith("SCAN")] == []
