"""What messages are filtered by, kept so that any list of a million is quick.

Theory of operation
-------------------
A message has some properties that have few values: tenant, branch, kind, sender, state, error code,
mailbox, and whether it needs attention. Each combination of them that occurs is a row of `facets`,
with the number of its messages. A message's row in `outcomes` names its facet, and one index has
(facet, time). There are a few thousand facets at most, however many messages there are. So

- a filter of any combination of these properties is a choice of facets;
- the count of what matches is a sum over them, exact and at once;
- a page of what matches, newest first, is the newest rows of each facet, merged; also when what
  matches is rare, or when each condition is common and no message meets all of them.

The mailbox and the attention of a held message also depend on the clock: an approval lapses after
30 days. What is kept is how the message stands while all its holds do, the first of
`streams.mailboxes.find_phases`. `turns_ms` is the time at which the clock changes that, and
`phases` are all of them. Before then the kept values are right. After it readers evaluate the
few rows concerned by themselves, until the gate decides again and the row is written anew.

A facet depends on records of several topics: outcome, last decision, dismissal, resend. Whichever
comes last makes the facet right, in the transaction that writes it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from schemas.decision import Finding, Verdict
from schemas.topics import DECISIONS, DISMISSALS, PERSON_REQUESTS, SEND_REQUESTS
from services.ledger.projection import UPSERT, ParsedRecord, Values
from services.ledger.tables import BY_NAME, FACET_COLUMNS
from streams.lifecycle import State
from streams.mailboxes import FAILED_AFTER, FAILED_BEFORE, Box, MessageView, find_phases

_COLUMNS: Final = ("identity", "rank", "part", "off", "at_ms", *BY_NAME["outcomes"].columns)
_AT: Final = {name: index for index, name in enumerate(_COLUMNS)}
"""Where a value stands in a row that is upserted."""
_OF_ROW: Final = tuple(
    _AT[name] for name in ("tenant", "branch", "kind", "sender", "state", "error_code")
)
_OF_NAME: Final = tuple(_AT[name] for name in ("identity", "tenant", "message_id"))
_IDENTITY, _RANK, _STATE = _AT["identity"], _AT["rank"], _AT["state"]
_FACET, _AFTER = _AT["facet"], _AT["phases"] + 1

EXPLAINED_BY_DECISION: Final = frozenset({State.HELD, State.REJECTED, State.EXPIRED})
"""States of which the last decision tells the reason."""
_LOOKED_UP: Final = EXPLAINED_BY_DECISION | FAILED_BEFORE | FAILED_AFTER | {State.IN_DOUBT}
"""States in which the mailbox or the attention depends on other records too."""

IS_SETTLED: Final = """(EXISTS (SELECT 1 FROM dismissals x WHERE x.identity = o.identity)
    OR EXISTS (SELECT 1 FROM requests r WHERE r.resend_of = o.message_id AND r.tenant = o.tenant)
    OR EXISTS (SELECT 1 FROM person_requests p
        WHERE p.resend_of = o.message_id AND p.tenant = o.tenant))"""
"""Of a row `o` of `outcomes`: it was resent or dismissed."""
LAST_DECISION: Final = """(SELECT d.json FROM decisions d WHERE d.message_id = o.message_id
    AND d.tenant = o.tenant ORDER BY d.seq DESC LIMIT 1)"""

_Facet = tuple[str | int, ...]
"""The values of FACET_COLUMNS."""


class _Standing(NamedTuple):
    """What of a message's facet is derived, and when it changes by itself."""

    box: str
    attention: int
    turns_ms: int | None
    phases: str | None


class MessageFacets:
    """Writes them, in a transaction of the store."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql
        self._ids: dict[_Facet, int] = {}
        self._generation: str | None = None

    def write(
        self, outcomes: Sequence[Values], batch: Iterable[ParsedRecord], generation: str | None
    ) -> None:
        """`outcomes`: rows to upsert, one a message. After the other tables of the batch."""
        if generation != self._generation:
            self._ids, self._generation = {}, generation
        changed = _list_touched(batch) - {row[_IDENTITY] for row in outcomes}
        counts = self._upsert(outcomes) if outcomes else Counter[int]()
        if changed:
            counts.update(self._reclassify(changed))
        moved = [(count, facet) for facet, count in counts.items() if count]
        self._sql.executemany("UPDATE facets SET count = count + ? WHERE id = ?", moved)

    def forget(self) -> None:
        """A transaction was taken back, and rows that are known here with it."""
        self._ids = {}

    def _upsert(self, outcomes: Sequence[Values]) -> Counter[int]:
        """How many messages each facet has gained."""
        known = {row[0]: row[1:] for row in self._rows(_KNOWN, [row[0] for row in outcomes])}
        looked_up = [row for row in outcomes if row[_STATE] in _LOOKED_UP]
        found = dict(self._look_up(looked_up)) if looked_up else {}
        counts = Counter[int]()
        rows = []
        for row in outcomes:
            identity = row[_IDENTITY]
            standing = found.get(identity) or _SIMPLE.get(row[_STATE], _NOWHERE)
            facet = self._facet_id([row[index] for index in _OF_ROW], standing)
            rows.append((*row[:_FACET], facet, *standing[2:], *row[_AFTER:]))
            rank, before = known.get(identity, (None, None))
            if rank is None or row[_RANK] >= rank:
                counts[facet] += 1
                if before is not None:
                    counts[before] -= 1
        self._sql.executemany(UPSERT["outcomes"], rows)
        return counts

    def _look_up(self, outcomes: Sequence[Values]) -> Iterator[tuple[str, _Standing]]:
        """Standings that depend on more than the outcome, which is not written yet."""
        states = {row[_IDENTITY]: row[_STATE] for row in outcomes}
        names = [[row[index] for index in _OF_NAME] for row in outcomes]
        for identity, decision, settled in self._rows(_OTHERS, names):
            yield identity, _stand(states[identity], decision, settled)

    def _reclassify(self, identities: Collection[str]) -> Counter[int]:
        """Those of them that have an outcome."""
        counts, moves = Counter[int](), list[Values]()
        for row in self._rows(_STANDING, list(identities)):
            identity, before, decision, settled, *values = row
            state = values[4]
            if state not in _LOOKED_UP:
                continue
            standing = _stand(state, decision, settled)
            facet = self._facet_id(values, standing)
            moves.append((facet, *standing[2:], identity))
            if facet != before:
                counts[facet] += 1
                if before is not None:
                    counts[before] -= 1
        self._sql.executemany(_MOVE, moves)
        return counts

    def _facet_id(self, values: Sequence[Any], standing: _Standing) -> int:
        facet: _Facet = (*[value or "" for value in values], *standing[:2])
        found = self._ids.get(facet)
        if found is None:
            self._sql.execute(_INSERT, facet)
            found = self._ids[facet] = int(self._sql.execute(_FIND, facet).fetchone()[0])
        return found

    def _rows(self, sql: str, identities: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        cursor = self._sql.cursor()
        cursor.row_factory = None
        yield from cursor.execute(sql, (json.dumps(identities),)).fetchall()


_KNOWN: Final = """SELECT o.identity, o.rank, o.facet FROM json_each(?) j
    CROSS JOIN outcomes o ON o.identity = j.value"""
_OTHERS: Final = f"""SELECT o.identity, {LAST_DECISION}, {IS_SETTLED} FROM
    (SELECT json_extract(j.value, '$[0]') AS identity, json_extract(j.value, '$[1]') AS tenant,
        json_extract(j.value, '$[2]') AS message_id FROM json_each(?) j) o"""
_STANDING: Final = f"""SELECT o.identity, o.facet, {LAST_DECISION}, {IS_SETTLED},
        o.tenant, o.branch, o.kind, o.sender, o.state, o.error_code
    FROM json_each(?) j CROSS JOIN outcomes o ON o.identity = j.value"""
_MOVE: Final = "UPDATE outcomes SET facet = ?, turns_ms = ?, phases = ? WHERE identity = ?"
_INSERT: Final = (
    f"INSERT INTO facets ({', '.join(FACET_COLUMNS)}) "
    f"VALUES ({', '.join('?' * len(FACET_COLUMNS))}) ON CONFLICT DO NOTHING"
)
_FIND: Final = (
    f"SELECT id FROM facets WHERE {' AND '.join(f'{name} = ?' for name in FACET_COLUMNS)}"
)


def _list_touched(batch: Iterable[ParsedRecord]) -> set[str]:
    """Messages whose mailbox or attention a record may change, besides their outcomes."""
    found = set()
    for record, message, _ in batch:
        about: Any = message
        if about is None:
            continue
        match record.partition.topic:
            case DISMISSALS.name:
                found.add(about.message_key)
            case DECISIONS.name if about.verdict is not Verdict.SEND:
                found.add(about.message_key)
            case SEND_REQUESTS.name | PERSON_REQUESTS.name if about.resend_of:
                found.add(f"{about.tenant}/{about.resend_of}")
    return found


def read_findings(decision: str | None) -> tuple[Finding, ...]:
    """Of a decision as the ledger keeps it."""
    found = json.loads(decision).get("findings", ()) if decision else ()
    return tuple(Finding.model_validate(one) for one in found)


def _stand(state: str, decision: str | None, settled: int) -> _Standing:
    kind = State(state)
    findings = read_findings(decision) if kind in EXPLAINED_BY_DECISION else ()
    first, *later = find_phases(MessageView(kind, findings, bool(settled)))
    if not later:
        return _Standing(first.box or "", int(first.attention), None, None)
    phases = [(_to_ms(one.since), one.box, one.attention) for one in later]
    written = json.dumps(phases)
    return _Standing(first.box or "", int(first.attention), phases[0][0], written)


def _to_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def read_phase(phases: str, now: datetime) -> tuple[Box | None, bool]:
    """Where a message is whose `turns_ms` has come."""
    now_ms = _to_ms(now)
    *_, (_, box, attention) = [one for one in json.loads(phases) if one[0] <= now_ms]
    return Box(box) if box else None, bool(attention)


_NOWHERE: Final = _Standing("", 0, None, None)
"""Also of a state that a newer version has added."""
_SIMPLE: Final = {str(state): _stand(state, None, 0) for state in State if state not in _LOOKED_UP}
EPOCH: Final = datetime.fromtimestamp(0, UTC)
