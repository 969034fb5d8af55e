"""Whether an inbound text confirms that somebody comes to an event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from schemas.case import CaseReply
from streams.threads.conversation import Conversation
from streams.threads.state import Awaited, Confirmed, PartyEntry, Standing, TextEntry


class _Candidate(NamedTuple):
    asked_at: datetime
    """When the confirmation was first awaited: its reminder left soon after."""
    case_id: str
    person_id: str
    awaited: Awaited

    @property
    def event(self) -> tuple[str, str, str]:
        return self.case_id, self.awaited.event_id, self.awaited.starts_at


def find_confirmed(
    text: TextEntry, conversation: Conversation
) -> tuple[TextEntry, tuple[str, ...]]:
    """The text with what it confirms, and for whom.

    If several events await the same word, it answers the reminder that came last.  People who share
    a number all confirm: nobody can tell whose thumb it was."""
    if text.received_at is None or not text.word:
        return text, ()
    found = list(_find_candidates(text.word, text.received_at, conversation))
    if not found:
        return text, ()
    last = max(found, key=lambda one: (one.asked_at, one.event))
    people = tuple(sorted(one.person_id for one in found if one.event == last.event))
    case_id, event_id, starts_at = last.event
    confirmed = Confirmed(case_id=case_id, event_id=event_id, starts_at=starts_at)
    return text.model_copy(update={"confirms": confirmed}), people


def build_replies(tenant: str, text: TextEntry, people: tuple[str, ...]) -> Iterator[CaseReply]:
    for person in people:
        assert text.received_at is not None
        assert text.confirms is not None
        yield CaseReply(
            tenant=tenant,
            case_id=text.confirms.case_id,
            person_id=person,
            event_id=text.confirms.event_id,
            event_starts_at=text.confirms.starts_at,
            provider_id=text.provider_id,
            at=text.received_at,
        )


def _find_candidates(word: str, at: datetime, conversation: Conversation) -> Iterator[_Candidate]:
    for (case, person), party in conversation.parties.items():
        change = party.find(at)
        if change is None or change.standing is not Standing.OPEN:
            continue
        for awaited in change.awaits:
            if awaited.word == word and at < awaited.until:
                yield _Candidate(_find_asked(party, awaited, at), case, person, awaited)


def _find_asked(party: PartyEntry, awaited: Awaited, at: datetime) -> datetime:
    """Since when it has been awaited without a break."""
    asked = at
    for change in reversed(party.changes):
        if change.at > at:
            continue
        if awaited not in change.awaits:
            break
        asked = change.at
    return asked
