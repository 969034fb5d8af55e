"""What is published about a message, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.controls import Sighting
from schemas.outcome import Outcome, Was
from schemas.topics import DISPATCH_CONTROLS, OUTCOMES
from streams.error_codes import meaning
from streams.lifecycle import ATTEMPT, MEANINGS, RECEIPT, State
from streams.outcomes.attempts import ours
from streams.outcomes.state import Judged, Life, Report, Told
from streams.outcomes.story import Story, told
from streams.processing import Publication


def tell(life: Life, known: Story | None, now: datetime) -> tuple[Life, tuple[Publication, ...]]:
    """The next version of its outcome, if there is something new to say."""
    if life.judged is None or known is None:
        return life, ()
    news = told(life.judged, known)
    if news == life.told:
        return life, ()
    after = life.model_copy(update={"told": news, "version": life.version + 1})
    return after, (Publication(OUTCOMES, _outcome(after, life.judged, news, life.told, now)),)


def _outcome(life: Life, judged: Judged, news: Told, before: Told | None, now: datetime) -> Outcome:
    state, code = State(news.state), news.error_code
    return Outcome(
        message_id=life.message_id,
        tenant=life.tenant,
        branch=judged.branch,
        sender=news.sender,
        to=life.to,
        kind=judged.kind,
        person_id=judged.person_id,
        case_id=judged.case_id,
        event_id=judged.event_id,
        requested_at=judged.requested_at,
        state=state,
        error_code=code,
        error_title=meaning(code).title if code else None,
        next_step=news.next_step,
        segments=news.segments,
        segments_predicted=news.segments_predicted,
        segments_billed=news.segments_billed,
        contradictions=news.contradictions,
        final=MEANINGS[state].final,
        version=life.version,
        was=_was(before) if before else None,
        at=now,
    )


def _was(before: Told) -> Was:
    return Was(
        state=before.state,
        error_code=before.error_code,
        segments=before.segments,
        segments_predicted=before.segments_predicted,
        segments_billed=before.segments_billed,
    )


def sighting(before: Life, after: Life, now: datetime) -> tuple[Publication, ...]:
    """A receipt for an attempt that was in doubt, or thought not taken, proves that it got through: tell dispatch,
    once, at each sender that has the text: it may have been ordered again from another one.  Whichever of the two comes
    last makes the pair."""
    news = [
        (number, pair)
        for number in after.attempts
        if (pair := _pair(after, number)) and not _pair(before, number)
    ]
    return tuple(
        Publication(DISPATCH_CONTROLS, _sighted(after, number, sender, receipt, now))
        for number, (opened, receipt) in news
        for sender in _senders(after, opened)
    )


def _senders(life: Life, opened: Report) -> tuple[str, ...]:
    """Its own first."""
    every = {
        report.sender
        for reports in life.attempts.values()
        for report in reports
        if report.source == ATTEMPT
    }
    return (opened.sender or "", *sorted(sender for sender in every - {opened.sender} if sender))


_OPEN: Final = frozenset({"in_doubt", "deferred"})


def _pair(life: Life, number: int) -> tuple[Report, Report] | None:
    """What left it open, and the receipt that closes it."""
    said = life.attempts.get(number, ())
    if not [report for report in said if report.word in _OPEN]:
        return None
    reports = ours(said, life.to)
    own = {report.word: report for report in reports if report.source == ATTEMPT}
    opened = own.get("in_doubt") or own.get("deferred")
    receipt = next((report for report in reports if report.source == RECEIPT), None)
    if opened is None or receipt is None or own.keys() & {"accepted", "refused"}:
        return None
    return opened, receipt


def _sighted(life: Life, number: int, sender: str, receipt: Report, now: datetime) -> Sighting:
    return Sighting(
        sender=sender,
        tenant=life.tenant,
        message_id=life.message_id,
        attempt=number,
        provider_id=receipt.provider_id or "",
        status=receipt.word,
        at=now,
    )
