"""Take what became of a text, and who has confirmed an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.case import CaseAnswer, CaseReply, TextState
from streams.cases.alerts import close_alert
from streams.cases.anchors import Use, find_uses
from streams.cases.draft import Draft
from streams.cases.parties import update_party
from streams.cases.reasons import ARRIVED_BEFORE, TOO_LATE, UNTRUE
from streams.cases.state import (
    EVENTS,
    Awaited,
    ConfirmationEntry,
    EventEntry,
    PartyEntry,
    TextEntry,
    confirmation_name,
    party_name,
    text_parts,
)
from streams.cases.text_log import take_back, write_text
from streams.cases.walks import look_at_text
from streams.lifecycle import State
from streams.reasons import Reason
from streams.rule_names import RuleName

_ID: Final = re.compile(r"(t-[0-9a-f]{16})(?:\.([0-9]+))?")
_MOVED: Final = re.compile(r":moved-([0-9]+)$")
AWAITED_AT_MOST: Final = 50
"""Confirmations that one party may owe."""

STATES: Final[Mapping[str, TextState]] = {
    State.ACCEPTED: TextState.SENT,
    State.SENT: TextState.SENT,
    State.UNKNOWN: TextState.SENT,
    State.DELIVERED: TextState.ARRIVED,
    State.READ: TextState.ARRIVED,
    State.FAILED: TextState.FAILED,
    State.UNDELIVERED: TextState.FAILED,
    State.REFUSED: TextState.FAILED,
    State.REJECTED: TextState.FAILED,
}
"""What an outcome's state is to a case.  The others are on their way, or have been ended."""
UNDER_WAY: Final = frozenset({State.SENDING, State.IN_DOUBT})
"""It may have left: nobody can take it back."""
OUT: Final = frozenset({TextState.SENT, TextState.ARRIVED})
WENT: Final = "it has gone out after all"


class _Known(NamedTuple):
    name: str
    entry: TextEntry
    issue: int


def take_answer(draft: Draft, answer: CaseAnswer) -> None:
    """A repeat, or what is older than we know, changes nothing."""
    known = _find(draft, answer)
    if known is None:
        return
    name, entry, issue = known
    if issue != entry.issue:
        _note_former(draft, name, entry, answer)
        return
    if answer.confirms_cancel:
        _take_confirmation(draft, name, entry)
        return
    found = _MOVED.search(answer.message_id)
    moves = int(found[1]) if found else 1
    if (moves, answer.version) <= (entry.moves, entry.answered):
        return
    was_moved = moves > entry.moves > 0
    entry = entry.model_copy(update={"moves": moves, "answered": answer.version})
    after = _apply(draft, entry, answer, was_moved=was_moved)
    if after.state in OUT and after.alert is not None:
        close_alert(draft, after, _find_use(draft, name, after), WENT)
        after = after.model_copy(update={"alert": None})
    if after.state == entry.state and after.reason == entry.reason:
        draft.put(name, after)
    else:
        after = write_text(draft, name, after, _reason_of(after))
    is_back = entry.has_left and not after.has_left
    if after.state != entry.state or was_moved or is_back:
        _follow(draft, name, entry, after)


def _take_confirmation(draft: Draft, name: str, entry: TextEntry) -> None:
    """It can be requested again: nothing of this try is under way under any id."""
    if entry.state != TextState.CANCELING:
        return
    if entry.reason == ARRIVED_BEFORE.rule:
        update = {"state": TextState.SENT, "has_left": True}
    else:
        update = {"state": TextState.CANCELED, "by_us": True, "has_left": False}
    after = write_text(draft, name, entry.model_copy(update=update))
    _follow(draft, name, entry, after)


def _find(draft: Draft, answer: CaseAnswer) -> _Known | None:
    found = _ID.fullmatch(answer.request_id)
    name = draft.index.names_of_texts.get(found[1]) if found else None
    entry = draft.get(name, TextEntry) if name else None
    if found is None or name is None or entry is None:
        return None
    return _Known(name, entry, int(found[2] or 1))


def _note_former(draft: Draft, name: str, entry: TextEntry, answer: CaseAnswer) -> None:
    """A try that was taken back has gone out after all: the next one must not go."""
    state = STATES.get(answer.state)
    if state not in OUT or entry.has_left:
        return
    entry = entry.model_copy(update={"has_left": True})
    if entry.state == TextState.REQUESTED:
        take_back(draft, name, entry, ARRIVED_BEFORE)
    elif entry.state == TextState.CANCELED:
        write_text(draft, name, entry.model_copy(update={"state": state, "by_us": False}))
    else:
        draft.put(name, entry)


def _apply(draft: Draft, entry: TextEntry, answer: CaseAnswer, *, was_moved: bool) -> TextEntry:
    reason = answer.error_code or answer.rule
    state = STATES.get(answer.state)
    if state is not None:
        left = answer.state != State.REJECTED
        update: dict[str, Any] = {"state": state, "has_left": left, "by_us": False}
        return entry.model_copy(
            update={**update, "reason": reason if state is TextState.FAILED else None}
        )
    if answer.state in (State.CANCELED, State.EXPIRED):
        return _end(draft, entry, answer, reason)
    update = {"has_left": answer.state in UNDER_WAY}
    if was_moved and entry.state == TextState.CANCELED and not entry.by_us:
        update |= {"state": TextState.REQUESTED, "reason": None}  # people has sent it on
    return entry.model_copy(update=update)


def _end(draft: Draft, entry: TextEntry, answer: CaseAnswer, reason: str | None) -> TextEntry:
    """What expired because its words turned false may go again.  Of what the case took back, people
    must say that nothing is under way: an outcome may be that of a text on its way to another
    number."""
    if entry.state == TextState.CANCELING or (entry.state == TextState.CANCELED and entry.by_us):
        return entry.model_copy(update={"has_left": False})
    if entry.state == TextState.TOO_LATE:
        return entry.model_copy(update={"has_left": False})
    update: dict[str, Any]
    if answer.state == State.CANCELED:
        return entry.model_copy(update={"state": TextState.CANCELED, "reason": reason})
    if reason not in (None, RuleName.EXPIRED):
        return entry.model_copy(update={"state": TextState.FAILED, "reason": reason})
    is_of_use = entry.latest is None or draft.now < entry.latest
    if entry.true_until is not None and is_of_use:
        update = {"state": TextState.CANCELED, "by_us": True, "reason": UNTRUE.rule}
        return entry.model_copy(update=update)
    return entry.model_copy(update={"state": TextState.TOO_LATE, "reason": TOO_LATE.rule})


def _reason_of(entry: TextEntry) -> Reason | None:
    return TOO_LATE if entry.state == TextState.TOO_LATE else None


def _follow(draft: Draft, name: str, before: TextEntry, after: TextEntry) -> None:
    if after.state in OUT and before.state not in OUT:
        _await_confirmation(draft, name, after)
    if after.state in (TextState.CANCELED, TextState.REQUESTED):
        for text in (name, *after.stands_for):
            look_at_text(draft, text)


def _await_confirmation(draft: Draft, name: str, entry: TextEntry) -> None:
    """The reminder has gone out, and asks for a reply."""
    use = _find_use(draft, name, entry)
    party = draft.get(party_name(entry.person_id), PartyEntry)
    if use is None or use.confirm is None or use.occasion is None or party is None:
        return
    occasion = use.occasion
    if occasion.event_id is None or occasion.at <= draft.now:
        return
    awaited = Awaited(
        event_id=occasion.event_id,
        starts_at=occasion.starts_at,
        word=use.confirm,
        until=occasion.at,
    )
    confirmed = draft.get(confirmation_name(occasion.event_id, entry.person_id), ConfirmationEntry)
    if confirmed is not None and confirmed.starts_at == occasion.starts_at:
        return
    others = [one for one in party.awaits if one.event_id != awaited.event_id]
    awaits = (*others[-AWAITED_AT_MOST + 1 :], awaited)
    draft.put(party_name(entry.person_id), party.model_copy(update={"awaits": awaits}))
    update_party(draft, entry.person_id)


def _find_use(draft: Draft, name: str, entry: TextEntry) -> Use | None:
    for use in find_uses(draft, text_parts(name)[0]):
        if (use.recipe, use.starts_at) == (entry.recipe, entry.starts_at):
            return use
    return None


def take_reply(draft: Draft, reply: CaseReply) -> None:
    """They confirm the event as it was when they were asked.  Of two replies the first counts."""
    event = draft.get(f"{EVENTS}{reply.event_id}", EventEntry)
    party = draft.get(party_name(reply.person_id), PartyEntry)
    if event is None or party is None:
        return
    name = confirmation_name(reply.event_id, reply.person_id)
    before = draft.get(name, ConfirmationEntry)
    at: datetime = reply.at
    if before is not None and before.starts_at == reply.event_starts_at and before.at <= at:
        return
    if before is not None and before.starts_at == event.starts_at != reply.event_starts_at:
        return
    draft.put(name, ConfirmationEntry(starts_at=reply.event_starts_at, at=at))
    draft.show()
    update_party(draft, reply.person_id)
