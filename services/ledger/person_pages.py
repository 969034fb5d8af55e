"""Lists of people in the order of their names, with whether they can be reached; what is kept for
them is in `person_index`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentStatus
from schemas.person import Person
from services.ledger.ledger import Ledger
from services.ledger.paging import Page, limit_rows, read_cursor, write_cursor
from services.ledger.person_index import EVERY_BRANCH, NO_BRANCH, Reach
from services.ledger.scope import EVERYTHING, Scope
from services.ledger.table import fold

_KINDS: Final = (str, str, str)
"""Of a cursor: folded name, tenant, id."""
_FEW: Final = 500
"""People that a search may find to be sorted; of more, those are looked for in the order of
names."""
_LETTERS: Final = 3
"""Of a search that the index of words helps."""
_LOOKED_AT: Final = 60_000
"""People that one page of a search looks at: some 20 ms."""


class PersonFilter(NamedTuple):
    """What is not given matches all. `search` is part of a name, of an id, of an e-mail address or
    of a number."""

    scope: Scope = EVERYTHING
    reach: frozenset[Reach] = frozenset()
    branches: frozenset[str] = frozenset()
    search: str = ""


class PersonRow(NamedTuple):
    person: Person
    reach: Reach
    number: str | None
    """The one that a text would go to."""
    consent: ConsentStatus | None
    """Of that number."""
    branches: tuple[str, ...]
    """Of their cases and texts."""


class _Key(NamedTuple):
    sort_name: str
    tenant: str
    person_id: str


def read_people(
    ledger: Ledger, wanted: PersonFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[PersonRow]:
    """By name. Raises InvalidCursor.

    A page of a search may have less than `limit` rows, and a cursor all the same."""
    limit = limit_rows(limit)
    after = _Key(*read_cursor(cursor, _KINDS, wanted)) if cursor else None
    with ledger.snapshot():
        found, last = _find(ledger, wanted, after, limit + 1)
        rows = _read_rows(ledger, found[:limit])
        if len(found) > limit:
            last = found[limit - 1]
    return Page(rows, write_cursor(last, wanted) if last else None)


def find_person_row(ledger: Ledger, scope: Scope, tenant: str, person_id: str) -> PersonRow | None:
    """None also for somebody who was deleted, or whom the scope does not have."""
    with ledger.snapshot():
        sql = "SELECT sort_name FROM person_index WHERE tenant = ? AND person_id = ?"
        for found in ledger.rows(sql, tenant, person_id):
            [row] = _read_rows(ledger, [_Key(found["sort_name"], tenant, person_id)])
            lists = (EVERY_BRANCH, *(row.branches or (NO_BRANCH,)))
            wanted = PersonFilter(scope)
            return row if any(_has(wanted, tenant, branch) for branch in lists) else None
    return None


def count_reach(
    ledger: Ledger, scope: Scope, branches: frozenset[str] = frozenset()
) -> dict[Reach, int]:
    """How many people there are of each. Somebody of two branches counts once."""
    sql = "SELECT tenant, branches, reach, count FROM person_sets WHERE count > 0"
    found, wanted = dict.fromkeys(Reach, 0), PersonFilter(scope, branches=branches)
    for row in ledger.rows(sql):
        lists = [EVERY_BRANCH, *(json.loads(row["branches"]) or [NO_BRANCH])]
        if any(_has(wanted, row["tenant"], branch) for branch in lists):
            found[Reach(row["reach"])] += row["count"]
    return found


def count_people(ledger: Ledger, wanted: PersonFilter) -> int:
    """Without the search."""
    counts = count_reach(ledger, wanted.scope, wanted.branches)
    return sum(n for reach, n in counts.items() if not wanted.reach or reach in wanted.reach)


def find_by_words(ledger: Ledger, search: str, scope: Scope, most: int) -> list[tuple[str, str]]:
    """Tenant and id of people, at most so many; more than `most` only if there are more."""
    sql, values = _searching(ledger, search)
    if not sql:
        return []
    condition, of_scope = scope.condition("i.tenant", None)
    order = ledger.word_search.order
    sql = f"SELECT i.tenant, i.person_id FROM {sql} AND {condition} ORDER BY {order} LIMIT ?"
    rows = ledger.rows(sql, *values, *of_scope, most + 1)
    return [(row["tenant"], row["person_id"]) for row in rows]


def _choose_lists(ledger: Ledger, wanted: PersonFilter) -> list[tuple[str, str, str, int]]:
    """Tenant, branch, reach, count."""
    sql = "SELECT tenant, branch, reach, count FROM person_tallies WHERE count > 0"
    found = []
    for row in ledger.rows(sql):
        tenant, branch, reach, _ = row
        if (not wanted.reach or reach in wanted.reach) and _has(wanted, tenant, branch):
            found.append((tenant, branch, reach, row["count"]))
    return found


def _has(wanted: PersonFilter, tenant: str, branch: str) -> bool:
    if wanted.scope.tenants is not None and tenant not in wanted.scope.tenants:
        return False
    allowed = None if wanted.scope.tenants is None else wanted.scope.tenants[tenant]
    if wanted.branches:
        return branch in wanted.branches and (allowed is None or branch in allowed)
    if allowed is None:
        return branch == EVERY_BRANCH
    # Somebody of no branch is known to all of the tenant.
    return branch in allowed or branch == NO_BRANCH


def _find(
    ledger: Ledger, wanted: PersonFilter, after: _Key | None, limit: int
) -> tuple[list[_Key], _Key | None]:
    """And how far was looked, if that was not to the end."""
    lists = [one[:3] for one in _choose_lists(ledger, wanted)]
    if not wanted.search.strip():
        return list(islice(_in_order(ledger, lists, after, limit), limit)), None
    chosen = set(lists)
    sql, values = _searching(ledger, wanted.search)
    if sql:
        sql = f"""SELECT i.sort_name, i.tenant, i.person_id, i.reach, i.branches
            FROM {sql} LIMIT ?"""
        rows = ledger.rows(sql, *values, _FEW + 1)
        if len(rows) <= _FEW:
            keys = [_Key(*row[:3]) for row in rows if _is_in(row, chosen)]
            return sorted(key for key in keys if after is None or key > after)[:limit], None
    return _look_through(ledger, wanted, lists, after, limit)


def _is_in(row: Any, chosen: set[tuple[str, str, str]]) -> bool:
    branches = [EVERY_BRANCH, *(json.loads(row["branches"]) or [NO_BRANCH])]
    return any((row["tenant"], branch, row["reach"]) in chosen for branch in branches)


def _look_through(
    ledger: Ledger,
    wanted: PersonFilter,
    lists: list[tuple[str, str, str]],
    after: _Key | None,
    limit: int,
) -> tuple[list[_Key], _Key | None]:
    """Tenant by tenant, in the order of names. All are known up to where the first one stopped."""
    words, chosen = fold(wanted.search.strip()), set(lists)
    reaches = sorted({reach for *_, reach in lists})
    branches = sorted({branch for _, branch, _ in lists})
    sql = f"""SELECT sort_name, tenant, person_id, reach, branches FROM ({_BY_NAME}) i
        WHERE instr(i.words, ?) > 0 AND i.reach IN ({", ".join("?" * len(reaches))})"""
    if EVERY_BRANCH not in branches:
        of_branch = ["i.branches = '[]'" if one == NO_BRANCH else _HAS for one in branches]
        sql += f" AND ({' OR '.join(of_branch)})"
    given = [words, *reaches]
    if EVERY_BRANCH not in branches:
        given += [json.dumps(one) for one in branches if one != NO_BRANCH]
    found, stops = list[_Key](), list[_Key]()
    for tenant in sorted({tenant for tenant, *_ in lists}):
        begin = (tenant, *_begin(tenant, after))
        rows = ledger.rows(f"{sql} LIMIT ?", *begin, _LOOKED_AT, *given, limit)
        found += [_Key(*row[:3]) for row in rows if _is_in(row, chosen)]
        if len(rows) == limit:
            stops.append(_Key(*rows[-1][:3]))
        else:
            last = ledger.rows(f"{_KEY_BY_NAME} OFFSET ?", *begin, 1, _LOOKED_AT - 1)
            stops += [_Key(*row[:3]) for row in last]
    stop = min(stops, default=None)
    known = sorted(key for key in found if stop is None or key <= stop)
    return (known[:limit], None) if len(known) >= limit else (known, stop)


_NAMED: Final = """FROM person_index
    INDEXED BY person_index_name WHERE tenant = ? AND (sort_name, person_id) > (?, ?)
    ORDER BY sort_name, person_id LIMIT ?"""
_BY_NAME: Final = f"SELECT sort_name, tenant, person_id, reach, branches, words {_NAMED}"
"""A file's index has all of it."""
_KEY_BY_NAME: Final = f"SELECT sort_name, tenant, person_id {_NAMED}"
"""Of this the index of a database has all too."""
_HAS: Final = "instr(i.branches, ?) > 0"


def _in_order(
    ledger: Ledger, lists: list[tuple[str, str, str]], after: _Key | None, limit: int
) -> Iterator[_Key]:
    """Somebody of two branches comes once."""
    last = None
    for key in merge(*[_of_list(ledger, one, after, limit) for one in lists]):
        if key != last:
            yield key
        last = key


def _of_list(
    ledger: Ledger, one: tuple[str, str, str], after: _Key | None, limit: int
) -> Iterator[_Key]:
    sql = """SELECT sort_name, person_id FROM person_lists WHERE tenant = ?1 AND branch = ?2
        AND reach = ?3 AND (sort_name, person_id) > (?4, ?5) ORDER BY sort_name, person_id
        LIMIT ?6"""
    tenant = one[0]
    name, person_id = _begin(tenant, after)
    for row in ledger.each(sql, *one, name, person_id, limit):
        yield _Key(row["sort_name"], tenant, row["person_id"])


def _begin(tenant: str, after: _Key | None) -> tuple[str, str]:
    """Name and id, after which the people of this tenant follow."""
    if after is None:
        return "", ""
    if tenant == after.tenant:
        return after.sort_name, after.person_id
    # Of the same name: all of a tenant that comes later, none of an earlier one.
    return after.sort_name, "" if tenant > after.tenant else "\U0010ffff"


def _searching(ledger: Ledger, search: str) -> tuple[str, list[Any]]:
    """Tables with a condition that finds people `i` by words; "" for less than three letters,
    which the index does not have."""
    words = fold(search.replace("\0", " ").strip())  # its end to SQLite
    return ledger.word_search.find_people(words) if len(words) >= _LETTERS else ("", [])


def _read_rows(ledger: Ledger, keys: Sequence[_Key]) -> tuple[PersonRow, ...]:
    """All at once: a database answers one long question sooner than many short ones."""
    sql = """SELECT p.json, i.reach, i.number, i.branches, (SELECT c.json FROM consent_status c
            WHERE c.identity = i.tenant || '/' || i.number) AS consent
        FROM json_each(?) j
        CROSS JOIN person_index i ON i.tenant = json_extract(j.value, '$[0]')
            AND i.person_id = json_extract(j.value, '$[1]')
        CROSS JOIN people p ON p.identity = i.tenant || '/' || i.person_id
        ORDER BY j.key"""
    names = [(key.tenant, key.person_id) for key in keys]
    return tuple(
        PersonRow(
            Person.model_validate_json(row["json"]),
            Reach(row["reach"]),
            row["number"],
            ConsentStatus.model_validate_json(row["consent"]) if row["consent"] else None,
            tuple(json.loads(row["branches"])),
        )
        for row in (ledger.rows(sql, json.dumps(names)) if names else ())
    )
