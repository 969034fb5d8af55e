"""People hears of what dispatch took back before it had called anybody for it: that text may go to another number."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.attempt import AttemptState
from schemas.decision import Verdict
from schemas.person_answer import PersonAnswer
from schemas.request_cancel import PEOPLE
from schemas.topics import PERSON_ANSWERS
from streams.lifecycle import ATTEMPT
from streams.outcomes.state import Life
from streams.processing import Publication

UNCALLED: Final = frozenset({AttemptState.QUEUED, AttemptState.CANCELED, AttemptState.EXPIRED})
CANCELED: Final = "canceled"
"""Dispatch's word for an order that was taken back by a Cancel; a STOP's is another."""


def taken_back(before: Life, after: Life, now: datetime) -> tuple[Publication, ...]:
    """Once.  It is said of nothing that was ever tried: a provider that had said no may yet turn out to have sent."""
    judged = after.judged
    if judged is None or judged.request_id is None or judged.person_id is None:
        return ()
    if not _uncalled(after) or (before.judged is not None and _uncalled(before)):
        return ()
    answer = PersonAnswer(
        tenant=after.tenant,
        person_id=judged.person_id,
        request_id=judged.request_id,
        message_id=after.message_id,
        verdict=Verdict.CANCEL,
        by=PEOPLE,
        at=now,
    )
    return (Publication(PERSON_ANSWERS, answer),)


def _uncalled(life: Life) -> bool:
    reports = [report for attempt in life.attempts.values() for report in attempt]
    taken = any(
        report.word == AttemptState.CANCELED and report.code == CANCELED for report in reports
    )
    return taken and all(report.source == ATTEMPT and report.word in UNCALLED for report in reports)
