"""What people is told of each decision on a request that it issued."""

from __future__ import annotations

from datetime import datetime

from schemas.decision import Verdict
from schemas.person_answer import PersonAnswer
from schemas.topics import PERSON_ANSWERS
from streams.gate.follow import Pending
from streams.processing import Publication


def answered(pending: Pending, verdict: Verdict, now: datetime) -> tuple[Publication, ...]:
    request, resolved = pending.request, pending.request.resolved
    if resolved is None:
        return ()
    canceled = pending.message.canceled
    answer = PersonAnswer(
        tenant=request.tenant,
        person_id=resolved.person_id,
        request_id=resolved.request_id,
        message_id=request.message_id,
        verdict=verdict,
        by=canceled.by if canceled else "",
        at=now,
    )
    return (Publication(PERSON_ANSWERS, answer),)
