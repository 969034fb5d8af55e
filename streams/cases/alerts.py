"""Alert staff to a text that never went, although somebody counts on it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from schemas.case import TextState
from schemas.numbers import e164
from schemas.outcome import Alert, Urgency
from schemas.send_request import Kind
from schemas.topics import ALERTS
from streams.alert_words import describe_call, describe_event, name_kind, urgency
from streams.cases.anchors import Use
from streams.cases.draft import Draft
from streams.cases.state import PartyEntry, PersonEntry, TextEntry, party_name, person_name
from streams.reasons import Reason


def close_alert(draft: Draft, entry: TextEntry, use: Use | None, says: str) -> None:
    """Nobody need act any more."""
    assert entry.alert is not None
    party = draft.get(party_name(entry.person_id), PartyEntry)
    number = party.number if party else None
    closed = Alert(
        message_id=entry.alert,
        tenant=draft.tenant_id,
        branch=draft.case.branch,
        kind=use.kind if use else Kind.REMINDER,
        person_id=entry.person_id,
        case_id=draft.case_id,
        to=e164(number) if number else None,
        state=entry.state,
        says=says,
        urgency=Urgency.NORMAL,
        open=False,
        version=entry.version,
        at=draft.now,
    )
    draft.publish(ALERTS, closed)


def publish_alert(
    draft: Draft, use: Use, entry: TextEntry, message_id: str, reason: Reason
) -> None:
    """The urgency follows the time that is left until the event."""
    occasion = use.occasion
    party = draft.get(party_name(entry.person_id), PartyEntry)
    person = draft.get(person_name(entry.person_id), PersonEntry)
    number = party.number if party else None
    event_at = occasion.at if occasion else None
    urgent = urgency(event_at or use.latest, event_at, draft.now)
    zone = ZoneInfo(occasion.zone if occasion else draft.zone)
    about = f"in case {draft.case_id}"
    if occasion is not None:
        about = describe_event(occasion.at, occasion.title, draft.now, zone)
    happened = "was not sent in time" if entry.state == TextState.TOO_LATE else "was not sent"
    alert = Alert(
        message_id=message_id,
        tenant=draft.tenant_id,
        branch=draft.case.branch,
        kind=use.kind,
        person_id=entry.person_id,
        case_id=draft.case_id,
        event_id=occasion.event_id if occasion else None,
        event_at=event_at,
        event_title=occasion.title if occasion else None,
        to=e164(number) if number else None,
        time_zone=person.time_zone if person else None,
        state=entry.state,
        says=f"{name_kind(use.kind)} {about} {happened}{describe_call(urgent)}",
        because=reason.reason,
        next_step=reason.next_step,
        urgency=urgent,
        before=event_at or use.latest,
        version=entry.version,
        at=draft.now,
    )
    draft.publish(ALERTS, alert)
