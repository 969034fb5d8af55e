"""Reports of attempts: merged without regard to order or repetition, and weighed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from streams.lifecycle import (
    ATTEMPT,
    CALLED,
    CLOCK,
    LEFT,
    RECEIPT,
    REPORTS,
    STRENGTH,
    State,
    contradicts,
)
from streams.outcomes.state import Report
from streams.state_entry import dump

MOST_ATTEMPTS: Final = 16
MOST_REPORTS: Final = 12
"""Of ourselves and of the provider each.  What is let go of is weaker than what is kept, so it never mattered."""

ROOM: Final = 24_000
"""Bytes of JSON for all reports, whatever their fields hold: a row must stay under 64 kB, or the room stands still for
ever.  Sixteen attempts with all that a provider ever says take 20 kB."""

FEW: Final = 3
"""So many reports fit whatever their fields hold: each has six of at most 200 characters."""

_FAILED: Final = frozenset({State.FAILED, State.UNDELIVERED})


class Standing(NamedTuple):
    """Where an attempt stands.  They compare: the greatest is the one that matters to the message.

    One that left beats one that did not, whatever their numbers; a delivered one beats all; else the last one."""

    weight: int
    number: int
    strength: int

    @property
    def state(self) -> State:
        return REPORTS[self.strength].state

    @property
    def beyond_recall(self) -> bool:
        """The provider has it, may have it, or has said no: no decision changes that."""
        return self.strength >= LEFT or self.state in CALLED


_ARRIVED: Final = STRENGTH[RECEIPT, "delivered"]


def merged(known: tuple[Report, ...], new: Report) -> tuple[Report, ...]:
    """The same thing said twice is one report, said at the earlier time."""
    if _comes_last(known, new):
        return (*known, new)
    what = _said(new)
    before = next(
        (report for report in known if report.word == new.word and _said(report) == what), None
    )
    if before is not None and before.at <= new.at:
        return known
    reports = sorted((*(report for report in known if report is not before), new), key=_rank)
    ours = [report for report in reports if report.source == ATTEMPT]
    theirs = [report for report in reports if report.source == RECEIPT]
    clock = [report for report in reports if report.source == CLOCK]
    return (*ours[-MOST_REPORTS:], *clock, *theirs[-MOST_REPORTS:])


def _comes_last(known: tuple[Report, ...], new: Report) -> bool:
    """The usual case: it is stronger than every known report of its source, so it goes last and repeats none."""
    if not known:
        return True
    last = known[-1]
    if len(known) >= MOST_REPORTS or (new.source != last.source and new.source != RECEIPT):
        return False
    return (
        new.source != last.source
        or STRENGTH[new.source, new.word] > STRENGTH[last.source, last.word]
    )


def _said(report: Report) -> tuple[str, ...]:
    return (
        report.source,
        report.word,
        report.code or "",
        report.provider_id or "",
        report.sender or "",
        report.to or "",
        "" if report.segments is None else str(report.segments),
    )


def _rank(report: Report) -> tuple[int, tuple[str, ...]]:
    return STRENGTH[report.source, report.word], _said(report)


def most_telling(attempts: Mapping[int, tuple[Report, ...]]) -> dict[int, tuple[Report, ...]]:
    """All of them, or the ones that matter most."""
    if len(attempts) <= MOST_ATTEMPTS:
        return _fitting(attempts)
    best = sorted(attempts, key=lambda number: standing(number, attempts[number]))[-MOST_ATTEMPTS:]
    return _fitting({number: attempts[number] for number in sorted(best)})


def _fitting(attempts: Mapping[int, tuple[Report, ...]]) -> dict[int, tuple[Report, ...]]:
    """As many as there is room for, the strongest of the most telling attempts first."""
    if sum([len(reports) for reports in attempts.values()]) <= FEW:
        return dict(attempts)
    if sum([_at_most(report) for reports in attempts.values() for report in reports]) <= ROOM:
        return dict(attempts)
    processor, kept = ROOM, set[tuple[int, Report]]()
    for number in sorted(
        attempts, key=lambda number: standing(number, attempts[number]), reverse=True
    ):
        for report in sorted(attempts[number], key=_rank, reverse=True):
            processor -= len(dump(report))
            if processor < 0:
                break
            kept.add((number, report))
    chosen = {
        number: tuple(r for r in reports if (number, r) in kept)
        for number, reports in attempts.items()
    }
    return {number: reports for number, reports in chosen.items() if reports}


def _at_most(report: Report) -> int:
    """Bytes, without writing it out: JSON makes at most six of a character."""
    text = f"{report.source}{report.word}{report.code}{report.provider_id}{report.sender}{report.to}{report.segments}"
    return 200 + 6 * len(text)


def ours(reports: tuple[Report, ...], to: str | None) -> tuple[Report, ...]:
    """Without what cannot be about this text: another number's, or another of the provider's texts."""
    return reports if _agree(reports, to) else _ours(reports, to)


def _agree(reports: tuple[Report, ...], to: str | None) -> bool:
    """The usual case: they name no other number, and one of the provider's texts at most."""
    named = None
    for report in reports:
        if to is not None and report.to is not None and report.to != to:
            return False
        if report.provider_id:
            if named is not None and report.provider_id != named:
                return False
            named = report.provider_id
    return True


def _ours(reports: Iterable[Report], to: str | None) -> tuple[Report, ...]:
    reports = [report for report in reports if to is None or report.to is None or report.to == to]
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


def strongest(reports: Iterable[Report]) -> int:
    return max([STRENGTH[report.source, report.word] for report in reports], default=-1)


def standing(number: int, reports: Iterable[Report]) -> Standing:
    """-1 strength where nothing counts."""
    strength = strongest(reports)
    weight = (strength >= 0) + (strength >= LEFT) + (strength >= _ARRIVED)
    return Standing(weight, number, strength)


def billed(attempts: Mapping[int, tuple[Report, ...]], predicted: int) -> int | None:
    """Segments that the provider counts, of all attempts that it took; None where it has not said of any."""
    counted = [
        max([report.segments for report in reports if report.segments], default=None)
        for reports in attempts.values()
        if strongest(reports) >= LEFT
    ]
    known = [count for count in counted if count is not None]
    return sum(known) + predicted * (len(counted) - len(known)) if known else None


def contradictions(at: Standing, reports: Iterable[Report]) -> tuple[str, ...]:
    """`failed 30008` beside a delivery."""
    state = at.state
    told = {(r.word, r.code) for r in reports if contradicts(state, (r.source, r.word))}
    return tuple(sorted(" ".join(filter(None, one)) for one in told)) if told else ()


def code_of(at: Standing, reports: Iterable[Report]) -> str | None:
    """Of the reports that made it so; a failure without a code borrows that of another failure.  Of several our own
    word, which comes of looking into it, else the lowest: among failures the generic ones (30008) stand higher than
    those that name a cause."""
    coded = [
        (STRENGTH[report.source, report.word], report.code) for report in reports if report.code
    ]
    if not coded:
        return None
    top = {code for strength, code in coded if strength == at.strength}
    near = {code for strength, code in coded if REPORTS[strength].state in _FAILED}
    found = top or (near if at.state in _FAILED else set())
    return min(found, key=lambda code: (code.isdigit(), len(code), code), default=None)
