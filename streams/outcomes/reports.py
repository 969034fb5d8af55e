"""Merge the reports of a message's attempts, and rank them: which report wins.

Theory of operation
-------------------
Dispatch, the provider and our clock report on attempts.  A report may be late, repeated or out of
order, and two of them may contradict each other.  So we never ask which report came last:

- `add_report` keeps the *set* of distinct reports of an attempt, sorted by strength.
- The **strength** of a report is its place in `lifecycle.REPORTS`.  The strongest report is the
  attempt's state.
- An attempt's **rank** compares attempts of one message.  A delivered attempt beats all; an attempt
  that left beats one that did not, whatever their numbers; between equals the later attempt wins.

Two reports may not count at all: one that names another number, and a receipt that carries the
provider's id of another text (`select_matching`).  They stay in the set, because only a later
report may show whose they are.

A state entry must stay under 64 kB, or the worker stops and stops again at each restart.  So what
is weaker is let go of when there is too much.  It could not have decided anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from schemas.numbers import is_same_number
from streams.lifecycle import (
    ACCEPTED_STRENGTH,
    ATTEMPT,
    CALLED_STATES,
    CLOCK,
    RECEIPT,
    REPORTS,
    STRENGTH,
    State,
    contradicts,
)
from streams.outcomes.state import Report
from streams.state_entry import dump

MAX_ATTEMPTS: Final = 16
MAX_REPORTS: Final = 12
"""Per attempt: this many of our own, and this many of the provider."""

MAX_BYTES: Final = 24_000
"""Bytes of JSON for all reports.  Sixteen attempts with all that a provider ever reports take 20
kB."""

ALWAYS_FIT: Final = 3
"""This many reports fit whatever they hold: each has six fields of at most 200 characters."""

_FAILED: Final = frozenset({State.FAILED, State.UNDELIVERED})
_DELIVERED: Final = STRENGTH[RECEIPT, "delivered"]


class Rank(NamedTuple):
    """How much an attempt matters to its message.  The greatest rank decides."""

    weight: int
    number: int
    strength: int

    @property
    def state(self) -> State:
        return REPORTS[self.strength].state

    @property
    def is_beyond_recall(self) -> bool:
        """The provider has it, may have it, or has refused it: no decision changes that."""
        return self.strength >= ACCEPTED_STRENGTH or self.state in CALLED_STATES


def add_report(known: tuple[Report, ...], new: Report) -> tuple[Report, ...]:
    """The same report twice counts once, at the earlier time."""
    if _comes_last(known, new):
        return (*known, new)
    content = _content(new)
    before = next(
        (report for report in known if report.word == new.word and _content(report) == content),
        None,
    )
    if before is not None and before.at <= new.at:
        return known
    reports = sorted((*(report for report in known if report is not before), new), key=_sort_key)
    ours = [report for report in reports if report.source == ATTEMPT]
    theirs = [report for report in reports if report.source == RECEIPT]
    clock = [report for report in reports if report.source == CLOCK]
    return (*ours[-MAX_REPORTS:], *clock, *theirs[-MAX_REPORTS:])


def _comes_last(known: tuple[Report, ...], new: Report) -> bool:
    """The usual case: it is stronger than each known report of its source, so it repeats none and
    goes last."""
    if not known:
        return True
    last = known[-1]
    if len(known) >= MAX_REPORTS or (new.source != last.source and new.source != RECEIPT):
        return False
    return (
        new.source != last.source
        or STRENGTH[new.source, new.word] > STRENGTH[last.source, last.word]
    )


def _content(report: Report) -> tuple[str, ...]:
    return (
        report.source,
        report.word,
        report.code or "",
        report.provider_id or "",
        report.sender or "",
        report.to or "",
        "" if report.segments is None else str(report.segments),
    )


def _sort_key(report: Report) -> tuple[int, tuple[str, ...]]:
    return STRENGTH[report.source, report.word], _content(report)


def keep_strongest(attempts: Mapping[int, tuple[Report, ...]]) -> dict[int, tuple[Report, ...]]:
    """All attempts, or those that matter most."""
    if len(attempts) <= MAX_ATTEMPTS:
        return _fit(attempts)
    best = sorted(attempts, key=lambda number: rank(number, attempts[number]))[-MAX_ATTEMPTS:]
    return _fit({number: attempts[number] for number in sorted(best)})


def _fit(attempts: Mapping[int, tuple[Report, ...]]) -> dict[int, tuple[Report, ...]]:
    """As many reports as fit into `MAX_BYTES`: the strongest reports of the highest ranks first."""
    if sum([len(reports) for reports in attempts.values()]) <= ALWAYS_FIT:
        return dict(attempts)
    if sum([_max_size(report) for reports in attempts.values() for report in reports]) <= MAX_BYTES:
        return dict(attempts)
    left = MAX_BYTES
    kept = set[tuple[int, Report]]()
    for number in sorted(attempts, key=lambda number: rank(number, attempts[number]), reverse=True):
        for report in sorted(attempts[number], key=_sort_key, reverse=True):
            left -= len(dump(report))
            if left < 0:
                break
            kept.add((number, report))
    chosen = {
        number: tuple(report for report in reports if (number, report) in kept)
        for number, reports in attempts.items()
    }
    return {number: reports for number, reports in chosen.items() if reports}


def _max_size(report: Report) -> int:
    """An upper bound in bytes, without encoding: JSON makes at most six bytes of a character."""
    text = (
        f"{report.source}{report.word}{report.code}{report.provider_id}"
        f"{report.sender}{report.to}{report.segments}"
    )
    return 200 + 6 * len(text)


def select_matching(reports: tuple[Report, ...], to: str | None) -> tuple[Report, ...]:
    """Leave out what cannot be about this text: another number, or another of the provider's
    texts."""
    return reports if _agree(reports, to) else _select(reports, to)


def _agree(reports: tuple[Report, ...], to: str | None) -> bool:
    """The usual case: no report names another number, and all name one provider id at most."""
    provider_id = None
    for report in reports:
        if to is not None and report.to is not None and not is_same_number(report.to, to):
            return False
        if report.provider_id:
            if provider_id is not None and report.provider_id != provider_id:
                return False
            provider_id = report.provider_id
    return True


def _select(reports: Iterable[Report], to: str | None) -> tuple[Report, ...]:
    """Once dispatch has reported `accepted`, its provider ids are the only ones that a receipt may
    carry."""
    reports = [
        report
        for report in reports
        if to is None or report.to is None or is_same_number(report.to, to)
    ]
    ids = {
        report.provider_id
        for report in reports
        if report.source == ATTEMPT and report.word == "accepted"
    } - {None}
    return tuple(
        report
        for report in reports
        if report.source != RECEIPT
        or not ids
        or not report.provider_id
        or report.provider_id in ids
    )


def max_strength(reports: Iterable[Report]) -> int:
    """-1 where there is no report."""
    return max([STRENGTH[report.source, report.word] for report in reports], default=-1)


def rank(number: int, reports: Iterable[Report]) -> Rank:
    strength = max_strength(reports)
    weight = (strength >= 0) + (strength >= ACCEPTED_STRENGTH) + (strength >= _DELIVERED)
    return Rank(weight, number, strength)


def count_billed(attempts: Mapping[int, tuple[Report, ...]], predicted: int) -> int | None:
    """Segments that the provider bills for the attempts it took.  None where it has not given a
    count for any.

    An attempt without a count is taken at our own prediction."""
    counts = [
        max([report.segments for report in reports if report.segments], default=None)
        for reports in attempts.values()
        if max_strength(reports) >= ACCEPTED_STRENGTH
    ]
    known = [count for count in counts if count is not None]
    return sum(known) + predicted * (len(counts) - len(known)) if known else None


def list_contradictions(top: Rank, reports: Iterable[Report]) -> tuple[str, ...]:
    """Reports that cannot be true beside the attempt's state, such as `failed 30008` beside a
    delivery."""
    state = top.state
    found = {(r.word, r.code) for r in reports if contradicts(state, (r.source, r.word))}
    return tuple(sorted(" ".join(filter(None, one)) for one in found)) if found else ()


def find_error_code(top: Rank, reports: Iterable[Report]) -> str | None:
    """The code of the reports that decided.  A failure without a code takes that of another
    failure.

    Among several codes our own word comes first: it is the result of an investigation.  Otherwise
    we take the lowest number: Twilio's generic failure codes (30008) are higher than those that
    name a cause."""
    coded = [
        (STRENGTH[report.source, report.word], report.code) for report in reports if report.code
    ]
    if not coded:
        return None
    deciding = {code for strength, code in coded if strength == top.strength}
    failures = {code for strength, code in coded if REPORTS[strength].state in _FAILED}
    found = deciding or (failures if top.state in _FAILED else set())
    return min(found, key=lambda code: (code.isdigit(), len(code), code), default=None)
