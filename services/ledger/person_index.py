"""People as lists show them: by name, by branch, and by whether they can be reached.

Theory of operation
-------------------
A person is in one list for each of their branches, in the list of no branch if they have none, and
in the list of all (`EVERY_BRANCH`). A list is a tenant, a branch and a reach, by name. Any choice
of these is some lists, whose first rows below a cursor are merged.

Somebody of two branches counts once in the share of people who can be reached. So people are also
counted by all of their branches (`person_sets`): few combinations of them occur.

Whether somebody can be reached depends on their record and on the consent of the number that a text
would go to. Their branches are those of their cases and of the texts to them. Whichever record
comes last, `person_index` holds what was written to the lists, so that it can be taken out again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentState
from schemas.numbers import e164
from schemas.person import NumberType, Person
from schemas.topics import CASES, CONSENT_STATUS, OUTCOMES, PEOPLE
from services.ledger.projection import ParsedRecord
from services.ledger.table import fold
from streams.person_numbers import find_candidates, first_number

EVERY_BRANCH: Final = "*"
NO_BRANCH: Final = ""
_SORTED: Final = 400
"""Characters of a name that order it."""
_MOST_PAIRS: Final = 200_000
"""Of person and branch, that are remembered in memory as written."""


class Reach(StrEnum):
    """Whether a text can go to somebody, by the number that it would go to."""

    OPTED_IN = "opted_in"
    PENDING = "pending"
    """They were asked, and have not answered."""
    NOT_ASKED = "not_asked"
    OPTED_OUT = "opted_out"
    NOT_SMS_ENABLED = "not_sms_enabled"
    NO_NUMBER = "no_number"


_OF_CONSENT: Final = {
    ConsentState.OPTED_IN: Reach.OPTED_IN,
    ConsentState.PENDING: Reach.PENDING,
    ConsentState.OPTED_OUT: Reach.OPTED_OUT,
}


_Tallies = Counter[tuple[str, str, str]]
"""By tenant, branch or branches, and reach."""


class _Entry(NamedTuple):
    """What the lists have of somebody."""

    sort_name: str
    reach: str
    number: str | None
    branches: str
    words: str

    def lists(self) -> list[str]:
        return [EVERY_BRANCH, *(json.loads(self.branches) or [NO_BRANCH])]


class PersonIndex:
    """Writes it, in a transaction of the store."""

    def __init__(self, sql: Any, *, keeps_words: bool = True) -> None:
        """`keeps_words`: whether the index of words is a table of its own."""
        self._sql = sql
        self._keeps_words = keeps_words
        self._pairs: set[tuple[str, str, str]] = set()
        self._generation: str | None = None

    def write(self, batch: Iterable[ParsedRecord], generation: str | None) -> None:
        """After the tables of the batch."""
        if generation != self._generation or len(self._pairs) > _MOST_PAIRS:
            self._pairs, self._generation = set(), generation
        touched = dict.fromkeys(self._list_touched(batch))
        tallies, sets = _Tallies(), _Tallies()
        for tenant, person_id in touched:
            self._rewrite(tenant, person_id, tallies, sets)
        for table, column, counts in (
            ("person_tallies", "branch", tallies),
            ("person_sets", "branches", sets),
        ):
            moved = [(*one, count) for one, count in counts.items() if count]
            self._sql.executemany(_TALLY.format(table=table, column=column), moved)

    def forget(self) -> None:
        """A transaction was taken back, and rows that are known here with it."""
        self._pairs = set()

    def _list_touched(self, batch: Iterable[ParsedRecord]) -> Iterator[tuple[str, str]]:
        for record, message, _ in batch:
            about: Any = message
            match record.partition.topic:
                case PEOPLE.name if about is not None:
                    yield about.tenant, about.person_id
                case PEOPLE.name if record.value is None and record.key:
                    tenant, _, person_id = record.key.decode(errors="replace").partition("/")
                    yield tenant, person_id
                case CONSENT_STATUS.name if about is not None:
                    of_number = (e164(about.number), about.tenant)
                    for row in self._sql.execute(_OWNERS, of_number).fetchall():
                        yield tuple(row)
                case OUTCOMES.name if about is not None and about.person_id and about.branch:
                    if self._add_branch(about.tenant, about.person_id, about.branch):
                        yield about.tenant, about.person_id
                case CASES.name if about is not None and about.branch:
                    for party in about.parties:
                        if self._add_branch(about.tenant, party.person_id, about.branch):
                            yield about.tenant, party.person_id

    def _add_branch(self, tenant: str, person_id: str, branch: str) -> bool:
        """Whether it is new."""
        pair = (tenant, person_id, branch)
        if pair in self._pairs or branch == EVERY_BRANCH:
            return False
        self._pairs.add(pair)
        return bool(self._sql.execute(_ADD_BRANCH, pair).rowcount > 0)

    def _rewrite(self, tenant: str, person_id: str, tallies: _Tallies, sets: _Tallies) -> None:
        cursor = self._sql.cursor()
        cursor.row_factory = None
        found = cursor.execute(_ENTRY, (tenant, person_id)).fetchone()
        row, before = (found[0], _Entry(*found[1:])) if found else (None, None)
        person = cursor.execute(_PERSON, (f"{tenant}/{person_id}",)).fetchone()
        after = self._build(Person.model_validate_json(person[0])) if person else None
        if before == after:
            return
        if before is not None:
            if self._keeps_words:
                self._sql.execute(_FORGET_WORDS, (row, before.words))
            for branch in before.lists():
                key = (tenant, branch, before.reach)
                self._sql.execute(_LEAVE, (*key, before.sort_name, person_id))
                tallies[key] -= 1
            sets[tenant, before.branches, before.reach] -= 1
            self._sql.execute("DELETE FROM person_index WHERE id = ?", (row,))
        if after is not None:
            row = self._sql.execute(_ENTER, (tenant, person_id, *after)).fetchone()[0]
            if self._keeps_words:
                self._sql.execute(_KEEP_WORDS, (row, after.words))
            for branch in after.lists():
                key = (tenant, branch, after.reach)
                self._sql.execute(_JOIN, (*key, after.sort_name, person_id))
                tallies[key] += 1
            sets[tenant, after.branches, after.reach] += 1

    def _build(self, person: Person) -> _Entry | None:
        """None for somebody who was deleted."""
        who = (person.tenant, person.person_id)
        self._sql.execute("DELETE FROM person_numbers WHERE tenant = ? AND person_id = ?", who)
        if person.deleted:
            return None
        numbers = {e164(one.number) for one in person.numbers}
        owned = [(number, *who) for number in sorted(numbers)]
        self._sql.executemany(
            "INSERT INTO person_numbers VALUES (?, ?, ?) ON CONFLICT DO NOTHING", owned
        )
        branches = [row[0] for row in self._sql.execute(_BRANCHES, who).fetchall()]
        number, reach = self._find_reach(person)
        name = person.name or person.person_id
        words = (name, person.first_name, person.person_id, person.email, *sorted(numbers))
        return _Entry(
            fold(name)[:_SORTED],
            reach,
            number,
            json.dumps(branches),
            fold("\n".join(filter(None, words))),
        )

    def _find_reach(self, person: Person) -> tuple[str | None, Reach]:
        found = find_candidates(person.numbers, None, NumberType.MOBILE, ())
        if not found.meant:
            return None, Reach.NO_NUMBER
        if not found.enabled:
            return first_number(found.meant), Reach.NOT_SMS_ENABLED
        number = first_number(found.enabled)
        status = self._sql.execute(_CONSENT, (f"{person.tenant}/{number}",)).fetchone()
        consent = ConsentState(status[0]) if status else ConsentState.NONE
        return number, _OF_CONSENT.get(consent, Reach.NOT_ASKED)


_OWNERS: Final = "SELECT tenant, person_id FROM person_numbers WHERE number = ? AND tenant = ?"
_ADD_BRANCH: Final = "INSERT INTO person_branches VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_BRANCHES: Final = """SELECT branch FROM person_branches WHERE tenant = ? AND person_id = ?
    ORDER BY branch"""
_ENTRY: Final = """SELECT id, sort_name, reach, number, branches, words FROM person_index
    WHERE tenant = ? AND person_id = ?"""
_PERSON: Final = "SELECT json FROM people WHERE identity = ?"
_CONSENT: Final = "SELECT state FROM consent_status WHERE identity = ?"
_ENTER: Final = """INSERT INTO person_index (tenant, person_id, sort_name, reach, number, branches,
    words) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"""
_JOIN: Final = "INSERT INTO person_lists VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_LEAVE: Final = """DELETE FROM person_lists WHERE tenant = ? AND branch = ? AND reach = ?
    AND sort_name = ? AND person_id = ?"""
_TALLY: Final = """INSERT INTO {table} VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant, {column}, reach) DO UPDATE SET count = {table}.count + excluded.count"""
_KEEP_WORDS: Final = "INSERT INTO person_words (rowid, words) VALUES (?, ?)"
_FORGET_WORDS: Final = """INSERT INTO person_words (person_words, rowid, words)
    VALUES ('delete', ?, ?)"""
