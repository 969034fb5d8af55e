"""Lists of messages, newest first: mailboxes, and all messages, with any filter and at any depth.

Theory of operation (of what is kept, see `message_facets`)
-----------------------------------------------------------
A list is ordered by the time of the request and, within a millisecond, by the ledger's row. The
filters fall into three kinds:

- Properties with few values choose facets. One statement finds, below the cursor, the newest
  message of each facet chosen. A page of 50 can only have messages of the 50 facets whose newest is
  newest, so 50 rows of each of those are merged.
- A case, a person or a number has few messages, and an index: they are read in order, and those
  that are not of a chosen facet are passed over.
- A search is in `message_search`.

Messages that the clock has moved since they were written (`turns_ms`) are few: they are left out of
the facets, evaluated one by one, and merged.

Local days are compared with the zone of each tenant, so facets are taken zone by zone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from heapq import heappush, heapreplace, nlargest
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.numbers import e164
from services.ledger.ledger import Ledger
from services.ledger.message_facets import read_phase
from services.ledger.message_items import MailboxItem, read_items
from services.ledger.paging import COUNTED, Count, Page, limit_rows, read_cursor, write_cursor
from services.ledger.scope import EVERYTHING, Scope
from services.ledger.times import ENDLESS, span_ms
from streams.mailboxes import Box

_KINDS: Final = (int, int)
"""Of a cursor: time of the request, and row."""
MOST_SELECTED: Final = 10_000


class MessageFilter(NamedTuple):
    """What is not given matches all. Days are those of the request, by the tenant's local time,
    both ends included."""

    scope: Scope = EVERYTHING
    box: Box | None = None
    attention: bool | None = None
    states: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    person: str | None = None
    case: str | None = None
    number: str | None = None
    since: date | None = None
    until: date | None = None


class Ref(NamedTuple):
    """A message in the order of lists."""

    requested_ms: int
    row: int


LAST: Final = Ref(ENDLESS, ENDLESS)
_FIRST: Final = 3
"""Where the earliest time stands among the values of `_below`."""


class Candidate(NamedTuple):
    """What a search has found, with all that tells whether it matches."""

    requested_ms: int
    row: int
    facet: int
    turns_ms: int | None
    number: str | None
    case_id: str | None
    person_id: str | None


CANDIDATE: Final = "o.requested_ms, o.rowid, o.facet, o.turns_ms, o.number, o.case_id, o.person_id"
"""Columns of a row `o` of `outcomes`."""


def match_rows(
    ledger: Ledger, wanted: MessageFilter, now: datetime, found: Sequence[Candidate]
) -> set[Ref]:
    """Those that match."""
    return _Query(ledger, wanted, now).match(found) if found else set()


class Selection(NamedTuple):
    matching: Count
    names: tuple[tuple[str, str], ...]
    """Tenant and message id."""


def read_messages(
    ledger: Ledger,
    wanted: MessageFilter,
    now: datetime,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[MailboxItem]:
    """Newest first. Raises InvalidCursor."""
    limit = limit_rows(limit)
    after = Ref(*read_cursor(cursor, _KINDS, wanted)) if cursor else LAST
    with ledger.snapshot():
        found = _Query(ledger, wanted, now).newest(after, limit + 1)
        rows = read_items(ledger, [one.row for one in found[:limit]], now)
    more = len(found) > limit
    return Page(tuple(rows), write_cursor(found[limit - 1], wanted) if more else None)


def count_messages(
    ledger: Ledger, wanted: MessageFilter, now: datetime, most: int = COUNTED
) -> Count:
    """Exact where only properties are asked for that have few values; otherwise capped at
    `most`."""
    with ledger.snapshot():
        return _Query(ledger, wanted, now).count(most)


def select_messages(
    ledger: Ledger, wanted: MessageFilter, now: datetime, most: int = MOST_SELECTED
) -> Selection:
    """Which messages match, for what is done to all of them: the newest, at most so many."""
    with ledger.snapshot():
        query = _Query(ledger, wanted, now)
        rows = query.newest(LAST, most)
        sql = """SELECT o.tenant, o.message_id FROM json_each(?) j
            CROSS JOIN outcomes o ON o.rowid = CAST(j.value AS INTEGER) ORDER BY j.key"""
        names = ledger.rows(sql, json.dumps([one.row for one in rows]))
        count = query.count(most)
        return Selection(count, tuple((row["tenant"], row["message_id"]) for row in names))


class BoxCounts(NamedTuple):
    messages: int
    attention: int


def count_boxes(
    ledger: Ledger, scope: Scope, now: datetime, branches: frozenset[str] = frozenset()
) -> dict[Box, BoxCounts]:
    """Exact, from tallies."""
    with ledger.snapshot():
        found = {}
        for box in Box:
            wanted = MessageFilter(scope, box, branches=branches)
            both = (wanted, wanted._replace(attention=True))
            found[box] = BoxCounts(*[_Query(ledger, one, now).count(0).number for one in both])
        return found


def count_states(
    ledger: Ledger, scope: Scope, now: datetime, wanted: MessageFilter | None = None
) -> dict[str, int]:
    """How many messages of each state; of what has few values only."""
    query = _Query(ledger, (wanted or MessageFilter())._replace(scope=scope), now)
    sql = f"""SELECT f.state, sum(f.count) AS n FROM facets f WHERE {query.facets}
        GROUP BY 1 ORDER BY 1"""
    return {row["state"]: row["n"] for row in ledger.rows(sql, *query.values) if row["n"]}


class _Zone(NamedTuple):
    """Tenants with one time zone, and the wanted days there."""

    tenants: tuple[str, ...]
    first_ms: int
    end_ms: int


class _Query:
    def __init__(self, ledger: Ledger, wanted: MessageFilter, now: datetime) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._now = now
        self._now_ms = round(now.timestamp() * 1000)
        self._depends_on_clock = wanted.box is not None or wanted.attention is not None
        plain, plain_values = self._conditions()
        kept, kept_values = self._kept_conditions()
        self.facets = f"f.count > 0 AND {plain} AND {kept}"
        """SQL that holds for a facet `f` that is chosen."""
        self.values = [*plain_values, *kept_values]
        self._plain, self._plain_values = plain, plain_values
        self._zones = self._read_zones()
        number = wanted.number and e164(wanted.number)
        named = {"number": number, "case_id": wanted.case, "person_id": wanted.person}
        self._named = {name: value for name, value in named.items() if value is not None}
        self._one = self._single()
        self._turned = self._read_turned() if self._depends_on_clock else []

    def newest(self, after: Ref, limit: int) -> list[Ref]:
        found = list(self._turned_below(after))
        for zone in self._zones:
            if self._one is None:
                found += self._of_facets(zone, after, limit)
            else:
                found += self._of_one(zone, after, limit)
        return nlargest(limit, found)

    def count(self, most: int) -> Count:
        """`most` 0: from tallies alone, which is exact where no period and no one is named."""
        wanted = self._wanted
        if self._one is None and wanted.since is None and wanted.until is None:
            sql = f"SELECT coalesce(sum(f.count), 0) AS n FROM facets f WHERE {self.facets}"
            kept = int(self._ledger.rows(sql, *self.values)[0]["n"])
            stale = self._count_stale() if self._depends_on_clock else 0
            return Count(kept - stale + len(self._turned))
        count = len(self._turned)
        for zone in self._zones:
            sql, values = self._counting(zone, most + 1)
            count += int(self._ledger.rows(sql, *values)[0]["n"])
            if count > most:
                return Count(most, True)
        return Count(count)

    def match(self, candidates: Sequence[Candidate]) -> set[Ref]:
        rows = {one.row for one in candidates}
        found = {one for one in self._turned if one.row in rows}
        now_ms = self._now_ms if self._depends_on_clock else None
        for zone in self._zones:
            tenants, names = self._of_zone(zone)
            sql = f"SELECT f.id FROM facets f WHERE {self.facets} AND {tenants}"
            facets = {row["id"] for row in self._ledger.rows(sql, *self.values, *names)}
            found |= {
                Ref(one.requested_ms, one.row)
                for one in candidates
                if one.facet in facets
                and zone.first_ms <= one.requested_ms < zone.end_ms
                and (now_ms is None or one.turns_ms is None or one.turns_ms > now_ms)
                and all(getattr(one, name) == value for name, value in self._named.items())
            }
        return found

    # Facets.

    def _conditions(self) -> tuple[str, list[Any]]:
        """Of what no clock changes."""
        scope, values = self._wanted.scope.condition("f.tenant", "f.branch")
        parts, found = [scope], [*values]
        for column, wanted in (
            ("state", self._wanted.states),
            ("code", self._wanted.codes),
            ("kind", self._wanted.kinds),
            ("sender", self._wanted.senders),
            ("branch", self._wanted.branches),
        ):
            if wanted:
                parts.append(f"f.{column} IN ({', '.join('?' * len(wanted))})")
                found += sorted(wanted)
        return " AND ".join(parts), found

    def _kept_conditions(self) -> tuple[str, list[Any]]:
        parts, values = ["TRUE"], list[Any]()
        if self._wanted.box is not None:
            parts.append("f.box = ?")
            values.append(self._wanted.box.value)
        if self._wanted.attention is not None:
            parts.append("f.attention = ?")
            values.append(int(self._wanted.attention))
        return " AND ".join(parts), values

    def _of_facets(self, zone: _Zone, after: Ref, limit: int) -> list[Ref]:
        below, bounds = self._below(zone, after)
        # The plus takes the type from the column: otherwise the index would be of no use for it.
        newest = f"""(SELECT o.rowid FROM outcomes o INDEXED BY outcomes_facet
            WHERE o.facet = +f.id AND {below} ORDER BY o.requested_ms DESC, o.rowid DESC LIMIT 1)"""
        tenants, names = self._of_zone(zone)
        sql = f"""SELECT f.id, h.requested_ms, h.rowid AS row FROM facets f
            CROSS JOIN outcomes h ON h.rowid = {newest}
            WHERE {self.facets} AND {tenants} ORDER BY h.requested_ms DESC, h.rowid DESC LIMIT ?"""
        heads = self._ledger.rows(sql, *bounds, *self.values, *names, limit)
        of_facet = f"""SELECT o.requested_ms, o.rowid AS row FROM outcomes o
            INDEXED BY outcomes_facet WHERE o.facet = ? AND {below}
            ORDER BY o.requested_ms DESC, o.rowid DESC LIMIT ?"""
        found = list[Ref]()
        for index, head in enumerate(heads):
            # A facet adds what is newer than the newest of those that follow, and of them all no
            # more than fit; and nothing that is older than a page of what others have added.
            if len(found) == limit:
                bounds[_FIRST] = max(bounds[_FIRST], found[0].requested_ms)
                if head["requested_ms"] < bounds[_FIRST]:
                    break
            for row in self._ledger.rows(of_facet, head["id"], *bounds, limit - index):
                ref = Ref(row["requested_ms"], row["row"])
                if len(found) < limit:
                    heappush(found, ref)
                elif ref > found[0]:
                    heapreplace(found, ref)
                else:
                    break
        return found

    def _below(self, zone: _Zone, after: Ref) -> tuple[str, list[Any]]:
        sql = "o.requested_ms <= ? AND (o.requested_ms < ? OR o.rowid < ?) AND o.requested_ms >= ?"
        last = after if after.requested_ms < zone.end_ms else Ref(zone.end_ms - 1, ENDLESS)
        values: list[Any] = [last.requested_ms, last.requested_ms, last.row, zone.first_ms]
        if self._depends_on_clock:
            sql += " AND (o.turns_ms IS NULL OR o.turns_ms > ?)"
            values.append(self._now_ms)
        return sql, values

    def _of_zone(self, zone: _Zone) -> tuple[str, list[Any]]:
        if not zone.tenants:
            return "TRUE", []
        return f"f.tenant IN ({', '.join('?' * len(zone.tenants))})", [*zone.tenants]

    # One case, person or number.

    def _single(self) -> tuple[str, str, list[Any]] | None:
        """The index that has it, and what holds for its rows."""
        given = self._named
        if not given:
            return None
        conditions = " AND ".join(f"o.{name} = ?" for name in given)
        return f"outcomes_{next(iter(given))}", conditions, [*given.values()]

    def _of_one(self, zone: _Zone, after: Ref, limit: int) -> list[Ref]:
        below, bounds = self._below(zone, after)
        index, conditions, values = self._one or ("", "", [])
        tenants, names = self._of_zone(zone)
        sql = f"""SELECT o.requested_ms, o.rowid AS row FROM outcomes o INDEXED BY {index}
            WHERE {conditions} AND {below}
            AND o.facet IN (SELECT f.id FROM facets f WHERE {self.facets} AND {tenants})
            ORDER BY o.requested_ms DESC, o.rowid DESC LIMIT ?"""
        rows = self._ledger.rows(sql, *values, *bounds, *self.values, *names, limit)
        return [Ref(row["requested_ms"], row["row"]) for row in rows]

    def _counting(self, zone: _Zone, most: int) -> tuple[str, list[Any]]:
        below, bounds = self._below(zone, LAST)
        tenants, names = self._of_zone(zone)
        facets = [*self.values, *names]
        if self._one is None:
            sql = f"""SELECT 1 FROM facets f CROSS JOIN outcomes o INDEXED BY outcomes_facet
                ON o.facet = +f.id AND {below} WHERE {self.facets} AND {tenants} LIMIT ?"""
            return f"SELECT count(*) AS n FROM ({sql}) x", [*bounds, *facets, most]
        index, conditions, values = self._one
        sql = f"""SELECT 1 FROM outcomes o INDEXED BY {index} WHERE {conditions} AND {below}
            AND o.facet IN (SELECT f.id FROM facets f WHERE {self.facets} AND {tenants}) LIMIT ?"""
        return f"SELECT count(*) AS n FROM ({sql}) x", [*values, *bounds, *facets, most]

    # What the clock has moved.

    def _read_turned(self) -> list[Ref]:
        """Those that match now, whatever is kept of them."""
        conditions, values = "TRUE", list[Any]()
        if self._one is not None:
            _, conditions, values = self._one
        sql = f"""SELECT o.requested_ms, o.rowid AS row, o.phases, o.tenant
            FROM outcomes o INDEXED BY outcomes_turns_ms JOIN facets f ON f.id = o.facet
            WHERE o.turns_ms <= ? AND {self._plain} AND {conditions}"""
        rows = self._ledger.each(sql, self._now_ms, *self._plain_values, *values)
        return [Ref(row["requested_ms"], row["row"]) for row in rows if self._matches(row)]

    def _matches(self, row: Any) -> bool:
        box, attention = read_phase(row["phases"], self._now)
        wanted = self._wanted
        zone = next((one for one in self._zones if row["tenant"] in one.tenants), None)
        return (
            wanted.box in (None, box)
            and wanted.attention in (None, attention)
            and (zone is None or zone.first_ms <= row["requested_ms"] < zone.end_ms)
        )

    def _turned_below(self, after: Ref) -> Iterator[Ref]:
        return (one for one in self._turned if one < after)

    def _count_stale(self) -> int:
        """Messages that a chosen facet counts although the clock has moved them."""
        sql = f"""SELECT count(*) AS n FROM outcomes o INDEXED BY outcomes_turns_ms
            JOIN facets f ON f.id = o.facet WHERE o.turns_ms <= ? AND {self.facets}"""
        return int(self._ledger.rows(sql, self._now_ms, *self.values)[0]["n"])

    def _read_zones(self) -> Sequence[_Zone]:
        wanted = self._wanted
        if wanted.since is None and wanted.until is None:
            return (_Zone((), -ENDLESS, ENDLESS),)
        of_tenant = read_zones(self._ledger)
        sql = "SELECT DISTINCT tenant FROM facets"
        tenants = [row["tenant"] for row in self._ledger.rows(sql)]
        found: dict[tuple[int, int], list[str]] = {}
        for tenant in tenants:
            if wanted.scope.tenants is None or tenant in wanted.scope.tenants:
                span = span_ms(wanted.since, wanted.until, of_tenant.get(tenant, UTC))
                found.setdefault(span, []).append(tenant)
        return [_Zone(tuple(names), *span) for span, names in found.items()]


def read_zones(ledger: Ledger) -> dict[str, tzinfo]:
    sql = "SELECT tenant, coalesce(json_extract(json, '$.time_zone'), 'UTC') AS zone FROM tenants"
    return {row["tenant"]: ZoneInfo(row["zone"]) for row in ledger.rows(sql)}
