"""Lists of people against a plain reading of everybody: any filter, any depth, any order of
arrival."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.case import Case, Party
from schemas.consent import ConsentStatus
from schemas.person import Person
from schemas.topics import CASES, CONSENT_STATUS, PEOPLE
from services.ledger import person_pages
from services.ledger.ledger import Ledger
from services.ledger.paging import InvalidCursor
from services.ledger.person_index import Reach
from services.ledger.person_pages import (
    PersonFilter,
    PersonRow,
    count_people,
    count_reach,
    read_people,
)
from services.ledger.scope import EVERYTHING, Scope
from tests.adapters.ledger_filler import LedgerFiller, make_record
from tests.adapters.ledger_messages import TopicMessage, make_outcome

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES: Final = ("Ana Rivera", "Luis Rivera", "ana ortiz", "Zoë Ng", "", "Ben")
BRANCHES: Final = (None, "court", "estate")
STATES: Final = ("none", "pending", "opted_in", "opted_out")


def make_everything(some: random.Random) -> list[TopicMessage]:
    found: list[TopicMessage] = []
    for version in (1, 2):
        for n in range(60):
            tenant = some.choice(("acme", "bolt"))
            numbers = [
                {"number": f"+1415555{some.randrange(40):04}", "sms_enabled": some.random() < 0.8}
                for _ in range(some.randint(0, 2))
            ]
            person = Person(
                tenant=tenant,
                person_id=f"p{n}",
                name=some.choice(NAMES),
                numbers=numbers,
                deleted=some.random() < 0.1,
                at=NOON,
            )
            found.append((PEOPLE, person))
            branch, case_branch = some.choice(BRANCHES), BRANCHES[n % 3]
            about = {"tenant": tenant, "person_id": f"p{n}", "branch": branch}
            found.append(make_outcome(f"m{n}", version=version, **about))
            party = Party(person_id=f"p{n}", role="client")
            case: dict[str, Any] = {"case_id": f"c{n}", "time_zone": "UTC", "parties": (party,)}
            case |= {"tenant": tenant, "branch": case_branch, "version": version, "at": NOON}
            found.append((CASES, Case(**case)))
    for epoch in (1, 2):
        for n in range(40):
            status: dict[str, Any] = {"number": f"+1415555{n:04}", "state": some.choice(STATES)}
            status |= {"tenant": some.choice(("acme", "bolt")), "consent_epoch": epoch}
            found.append((CONSENT_STATUS, ConsentStatus(**status, since=NOON, source="form")))
    some.shuffle(found)
    return found


@pytest.fixture(params=range(3))
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    filler = LedgerFiller(tmp_path / "ledger.sqlite")
    some = random.Random(request.param)
    messages = enumerate(make_everything(some))
    records = [make_record(topic, offset, message) for offset, (topic, message) in messages]
    while records:
        size = some.randint(1, 80)
        filler.apply(*records[:size])
        records = records[size:]
    yield filler.ledger
    filler.ledger.close()


def read_everybody(ledger: Ledger) -> list[PersonRow]:
    """From the records alone."""
    found = []
    for row in ledger.rows("SELECT json FROM people"):
        person = Person.model_validate_json(row["json"])
        if not person.deleted:
            found.append(_read(ledger, person))
    key = [(one.person.name or one.person.person_id).casefold() for one in found]
    order = sorted(range(len(found)), key=lambda n: (key[n], found[n].person.person_key))
    return [found[n] for n in order]


def _read(ledger: Ledger, person: Person) -> PersonRow:
    enabled = [one.number for one in person.numbers if one.sms_enabled]
    number = next(iter(enabled or [one.number for one in person.numbers]), None)
    sql = "SELECT json FROM consent_status WHERE tenant = ? AND number = ?"
    rows = ledger.rows(sql, person.tenant, number)
    consent = ConsentStatus.model_validate_json(rows[0]["json"]) if rows else None
    state = consent.state if consent else "none"
    reach = Reach.NOT_ASKED if state == "none" else Reach(state)
    if not enabled:
        reach = Reach.NOT_SMS_ENABLED if number else Reach.NO_NUMBER
    sql = """SELECT branch FROM outcome_branches WHERE tenant = ?1 AND person_id = ?2
        UNION SELECT branch FROM case_branches WHERE tenant = ?1 AND person_id = ?2"""
    sql = f"""WITH outcome_branches AS (SELECT tenant, json_extract(json, '$.person_id') AS
            person_id, json_extract(json, '$.branch') AS branch FROM outcome_history),
        case_branches AS (SELECT tenant, json_extract(json, '$.parties[0].person_id') AS person_id,
            json_extract(json, '$.branch') AS branch FROM cases) {sql}"""
    branches = [row["branch"] for row in ledger.rows(sql, person.tenant, person.person_id)]
    return PersonRow(person, reach, number, consent, tuple(sorted(filter(None, branches))))


def is_wanted(row: PersonRow, wanted: PersonFilter) -> bool:
    tenants = wanted.scope.tenants
    if tenants is not None and row.person.tenant not in tenants:
        return False
    allowed = None if tenants is None else tenants[row.person.tenant]
    seen = [one for one in row.branches if allowed is None or one in allowed]
    is_seen = bool(seen) or not row.branches or allowed is None
    words = (row.person.name, row.person.person_id, *(one.number for one in row.person.numbers))
    return (
        is_seen
        and (not wanted.reach or row.reach in wanted.reach)
        and (not wanted.branches or bool(wanted.branches & set(seen)))
        and wanted.search.casefold() in "\n".join(words).casefold()
    )


def make_filter(some: random.Random) -> PersonFilter:
    scopes = (
        EVERYTHING,
        EVERYTHING,
        Scope({"acme": None}),
        Scope({"acme": frozenset({"court"}), "bolt": None}),
        Scope({"acme": frozenset({"court", "estate"})}),
        Scope({}),
    )
    chosen = some.random() < 0.3
    branches = frozenset(some.sample(("court", "estate"), some.randint(1, 2)) if chosen else ())
    reach = frozenset(some.sample(list(Reach), 3) if some.random() < 0.3 else ())
    search = some.choice(("", "", "ana", "RIVERA", "p1", "555003", "a", '"', "zoë", "nobody"))
    return PersonFilter(some.choice(scopes), reach, branches, search)


def read_names(ledger: Ledger, wanted: PersonFilter, limit: int = 4) -> list[str]:
    found, cursor = list[str](), None
    while True:
        page = read_people(ledger, wanted, cursor=cursor, limit=limit)
        assert len(page.rows) <= limit
        found += [row.person.person_key for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found


def test_pages_have_what_a_plain_reading_has_in_its_order(ledger: Ledger):
    everybody = read_everybody(ledger)
    some = random.Random(1)
    sizes = set()
    for _ in range(150):
        wanted = make_filter(some)
        expected = [row for row in everybody if is_wanted(row, wanted)]
        found = read_names(ledger, wanted)
        assert found == [row.person.person_key for row in expected], wanted
        if not wanted.search:
            assert count_people(ledger, wanted) == len(expected), wanted
        sizes.add(len(expected))
    assert len(sizes) > 10
    rows = read_people(ledger, PersonFilter(), limit=200).rows
    assert [row._replace(branches=tuple(sorted(row.branches))) for row in rows] == everybody


def test_the_share_of_people_who_can_be_reached_is_what_a_recount_gives(ledger: Ledger):
    everybody = read_everybody(ledger)
    several = Scope({"acme": frozenset({"court", "estate"}), "bolt": frozenset({"court"})})
    for wanted in (
        PersonFilter(),
        PersonFilter(several),
        PersonFilter(Scope({"acme": None}), branches=frozenset({"court", "estate"})),
        PersonFilter(several, branches=frozenset({"estate"})),
    ):
        counts = Counter(row.reach for row in everybody if is_wanted(row, wanted))
        expected = dict.fromkeys(Reach, 0) | counts
        assert count_reach(ledger, wanted.scope, wanted.branches) == expected


def test_a_search_that_finds_many_looks_through_the_names(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    wanted = PersonFilter(search="555")
    expected = read_names(ledger, wanted)
    monkeypatch.setattr(person_pages, "_FEW", 3)
    monkeypatch.setattr(person_pages, "_LOOKED_AT", 7)
    assert read_names(ledger, wanted) == expected


def test_a_cursor_is_for_its_own_list(ledger: Ledger):
    cursor = read_people(ledger, PersonFilter(), limit=1).cursor
    with pytest.raises(InvalidCursor):
        read_people(ledger, PersonFilter(search="ana"), cursor=cursor)
