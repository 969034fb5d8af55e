"""Staff hear of a text that has failed somebody, while something can still be done about it."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from schemas.alert import Alert, Urgency
from schemas.topics import ALERTS
from streams.error_codes import meaning
from streams.lifecycle import State
from streams.outcomes.evidence import evidence
from streams.outcomes.learned import ARRIVED
from streams.outcomes.stake import HAPPENED, at_stake, named, says, urgency, zone_of
from streams.outcomes.state import Judged, Life, Told
from streams.processing import Publication, Settings

TAKEN_BACK: Final = frozenset({None, "canceled", "dropped"})
"""With these codes `canceled` is what somebody wanted; with another (a STOP) it is news to whoever asked."""

LEFT_TO_A_PERSON: Final = frozenset({"unclear", "absent"})
"""With these a doubt has been looked into as far as Sayso can; before, it usually clears up by itself."""

SILENT: Final = "The carrier has not said for 72 hours whether it arrived"
LOOK: Final = (
    "Ask them whether they got it; if other texts to this number end so too, confirm the number."
)


def alerts(before: Life, after: Life, now: datetime, settings: Settings) -> tuple[Publication, ...]:
    """At most two: of this text, and of the one that it was sent again for."""
    judged, was, news = after.judged, before.told, after.told
    if judged is None or news is None or _standing(was) == _standing(news) or not at_stake(judged):
        return ()
    raised, zone = (
        _failed(news) or _lost_sight_of(judged, was, news, now),
        zone_of(after, judged, settings),
    )
    told = []
    if raised:
        told.append(_raised(after, judged, news, now, zone))
    elif (
        _may_be_open(was) and news.state != State.UNKNOWN
    ):  # to have given up looking is no better news
        told.append(_closed(after, judged, news, now, zone))
    if judged.resend_of and (raised or news.state in ARRIVED):
        told.append(_replaced(after, judged, judged.resend_of, news, now, zone))
    return tuple(Publication(ALERTS, one) for one in told)


def _standing(told: Told | None) -> tuple[str, str | None] | None:
    return (told.state, told.error_code) if told else None


def _failed(told: Told | None) -> bool:
    if told is None or told.state not in HAPPENED or told.state == State.UNKNOWN:
        return False
    if told.state == State.IN_DOUBT:
        return told.error_code in LEFT_TO_A_PERSON
    return told.state != State.CANCELED or told.error_code not in TAKEN_BACK


def _lost_sight_of(judged: Judged, was: Told | None, news: Told, now: datetime) -> bool:
    """Nobody will say any more whether it arrived, and what it is about is still to come: call them while it helps.

    Where nobody has told when that is, or it is over, this is no alert: some carriers never report, and each of their
    texts would be one.  Such a text is marked in the Sentbox (`streams.mailboxes`).  Nor is it one where a doubt has
    been told of before, or a person has dropped it."""
    if news.state != State.UNKNOWN or news.error_code in TAKEN_BACK - {None} or _failed(was):
        return False
    return (before := _before(judged)) is not None and now < before


def _may_be_open(was: Told | None) -> bool:
    return _failed(was) or (was is not None and was.state == State.UNKNOWN)


def _before(judged: Judged) -> datetime | None:
    """Until when acting helps, as far as anybody has told."""
    return judged.event_at or judged.valid_until


def _because(judged: Judged, news: Told) -> str | None:
    if news.error_code:
        return meaning(news.error_code).title
    return SILENT if news.state == State.UNKNOWN else judged.reason


def _raised(life: Life, judged: Judged, news: Told, now: datetime, zone: tzinfo) -> Alert:
    before = _before(judged)
    urgent = urgency(before, judged.event_at, now)
    return _of(life, judged, news, now).model_copy(
        update={
            "says": says(judged, State(news.state), urgent, now, zone),
            "because": _because(judged, news),
            "next_step": news.next_step or (LOOK if news.state == State.UNKNOWN else None),
            "urgency": urgent,
            "before": before,
        }
    )


def _closed(life: Life, judged: Judged, news: Told, now: datetime, zone: tzinfo) -> Alert:
    how = (
        "has arrived after all"
        if news.state in ARRIVED
        else f"has not failed after all: it is {news.state}"
    )
    words = f"{named(judged, now, zone)} {how}"
    return _of(life, judged, news, now).model_copy(update={"says": words, "open": False})


def _replaced(
    life: Life, judged: Judged, first: str, news: Told, now: datetime, zone: tzinfo
) -> Alert:
    """About the text that this one was sent again for."""
    words = f"{named(judged, now, zone)} was sent again"
    taken = {"message_id": first, "says": words, "open": False, "closed_by": life.message_id}
    return _of(life, judged, news, now).model_copy(update=taken)


def _of(life: Life, judged: Judged, news: Told, now: datetime) -> Alert:
    return Alert(
        message_id=life.message_id,
        tenant=life.tenant,
        branch=judged.branch,
        to=life.to,
        kind=judged.kind,
        person_id=judged.person_id,
        case_id=judged.case_id,
        event_id=judged.event_id,
        event_at=judged.event_at,
        event_title=judged.event_title,
        time_zone=judged.time_zone,
        state=news.state,
        error_code=news.error_code,
        says="",
        urgency=Urgency.NORMAL,
        version=life.version,
        evidence=evidence(life),
        at=now,
    )
