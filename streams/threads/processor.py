"""Keep each conversation between a tenant and a number.

Theory of operation
-------------------
The entity key is a tenant's number.  Replies, what staff do, our own texts, parties of cases and
facts of numbers come on five topics, so in any order.

1. A record changes one entry, which keeps what was said last by the times in the messages
   (`streams.threads.state`).  A repeat changes nothing.
2. At the end of a batch `threads_finish` files texts (`filing`), sees what waits for an answer
   (`publication`) and which mails are due (`mails`).  All of that follows from the entries alone.
3. It publishes what is new: the thread, confirmations and mails.

*Waiting for an answer* begins with a text that wants a person.  It ends with an answer, by text or
otherwise, or with "no answer needed".  Nothing else changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from schemas.case import CaseNumber
from schemas.inbound import Reply
from schemas.person import NumberFact
from schemas.thread import Answered, Assigned, MovedToCase, NoAnswerNeeded, ThreadMessage
from streams.dedup import RETENTION
from streams.lifecycle import State
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
)
from streams.threads.conversation import load_conversation, mark_text
from streams.threads.publication import publish_conversation
from streams.threads.reading import compare_word, read_text
from streams.threads.state import (
    AWAITED_AT_MOST,
    NAME_AT_MOST,
    OUT,
    THREAD,
    Assignment,
    Awaited,
    HolderChange,
    HolderEntry,
    Mark,
    Move,
    OutEntry,
    PartyChange,
    PartyEntry,
    Standing,
    TextEntry,
    ThreadEntry,
    add_change,
    holder_name,
    later_mark,
    out_name,
    party_name,
    text_name,
)

STANDS: Final = frozenset(
    {
        State.QUEUED,
        State.SENDING,
        State.IN_DOUBT,
        State.DEFERRED,
        State.ACCEPTED,
        State.SENT,
        State.UNKNOWN,
        State.DELIVERED,
        State.READ,
    }
)
"""A text of ours that is known not to have arrived has answered nobody."""

MAIL_AT_MOST: Final = 254

Change = tuple[str, StateEntry, datetime | None]
"""An entry's name, the entry, and when its timer fires."""


def threads(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    handle = _HANDLERS.get(type(record.value))
    change = handle(state, record.value, now, settings) if handle else None
    if change is None:
        return NO_CHANGE
    state.pending = True
    name, entry, timer = change
    return StepResult({name: entry}, (), {name: timer} if timer else {})


def threads_finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    return publish_conversation(state, now, settings)


def threads_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """A mail is due, or something is to be forgotten."""
    if name == THREAD:
        return _look_again(state, now)
    if name.startswith(OUT):
        return _forget_out(state, name, now)
    text = load_conversation(state).texts.get(name)
    if text is not None and _is_needed(state, name, text):
        return StepResult(timers={name: now + RETENTION})
    return StepResult({name: None})


def _look_again(state: StateStore, now: datetime) -> StepResult:
    """A mail is due, or the settings have changed: then the timer stays."""
    state.pending = True
    thread = state.get(THREAD, ThreadEntry)
    if thread is None or thread.wakes_at is None or thread.wakes_at <= now:
        return NO_CHANGE
    return StepResult(timers={THREAD: thread.wakes_at})


def _is_needed(state: StateStore, name: str, text: TextEntry) -> bool:
    """The last text of the thread, and those that still wait."""
    conversation = load_conversation(state)
    mark = conversation.find_mark()
    waits = mark is None or mark.order < mark_text(name, text).order
    return waits or name == next(reversed(conversation.texts))


def _forget_out(state: StateStore, name: str, now: datetime) -> StepResult:
    """Not the last; and what it has answered stays answered."""
    conversation = load_conversation(state)
    out = conversation.outs.get(name.removeprefix(OUT))
    if out is None:
        return NO_CHANGE
    if out is conversation.find_last_out():
        return StepResult(timers={name: now + RETENTION})
    thread = conversation.thread
    if out.by and out.stands:
        read = later_mark(thread.read_up_to, Mark(at=out.written_at))
        thread = thread.model_copy(update={"read_up_to": read})
    return StepResult({name: None, THREAD: thread})


def _on_reply(state: StateStore, reply: Reply, now: datetime, settings: Settings) -> Change | None:
    name = text_name(reply.provider_id)
    known = state.get(name, TextEntry) or TextEntry()
    if known.received_at is not None:
        return None
    tenant = settings.tenants.get(reply.tenant)
    return name, read_text(reply, tenant, known), now + RETENTION


def _on_message(
    state: StateStore, message: ThreadMessage, now: datetime, settings: Settings
) -> Change:
    name = out_name(message.message_id)
    known = state.get(name, OutEntry)
    stands = message.state in STANDS
    written_at = min(message.requested_at or message.at, message.at)
    left_at = message.at if stands else None
    waited = message.state == State.HELD
    case_id, by, version = message.case_id, message.written_by, message.version
    if known is not None:
        written_at = min(written_at, known.written_at)
        left_at = min(filter(None, (left_at, known.left_at)), default=None)
        waited = waited or known.waited
        if known.version >= version:
            case_id, by, version, stands = known.case_id, known.by, known.version, known.stands
    entry = OutEntry(
        version=version,
        stands=stands,
        written_at=written_at,
        left_at=left_at,
        waited=waited,
        case_id=case_id,
        by=by and by[:NAME_AT_MOST],
    )
    return name, entry, now + RETENTION


def _on_party(state: StateStore, fact: CaseNumber, now: datetime, settings: Settings) -> Change:
    name = party_name(fact.case_id, fact.person_id)
    known = state.get(name, PartyEntry) or PartyEntry(changes=())
    standing = Standing.CLOSED if fact.closed else Standing.OPEN
    change = PartyChange(
        at=fact.at,
        standing=Standing.LEFT if fact.left else standing,
        awaits=tuple(
            Awaited(
                event_id=one.event_id,
                starts_at=one.event_starts_at[:NAME_AT_MOST],
                word=compare_word(one.word),
                until=one.until,
            )
            for one in fact.awaits[:AWAITED_AT_MOST]
        ),
    )
    entry = known.model_copy(update={"changes": add_change(known.changes, change)})
    if entry.changes[-1] is change:
        mail = fact.notify_email
        is_mail = mail is not None and len(mail) <= MAIL_AT_MOST
        words = {
            "title": fact.title[:NAME_AT_MOST],
            "name": fact.name[:NAME_AT_MOST],
            "mail": mail if is_mail else None,
        }
        entry = entry.model_copy(update=words)
    return name, entry, None


def _on_number_fact(
    state: StateStore, fact: NumberFact, now: datetime, settings: Settings
) -> Change | None:
    if fact.person_id is None:
        return None
    name = holder_name(fact.person_id)
    known = state.get(name, HolderEntry) or HolderEntry(changes=())
    change = HolderChange(at=fact.at, has=not fact.left)
    return name, HolderEntry(changes=add_change(known.changes, change)), None


def _on_answered(
    state: StateStore, event: Answered | NoAnswerNeeded, now: datetime, settings: Settings
) -> Change:
    if event.inbound_id is not None:
        return _put_text(state, event.inbound_id, now, {"is_read_up_to": True})
    thread = state.get(THREAD, ThreadEntry) or ThreadEntry()
    read = later_mark(thread.read_up_to, Mark(at=event.at))
    return THREAD, thread.model_copy(update={"read_up_to": read}), None


def _on_assigned(
    state: StateStore, event: Assigned, now: datetime, settings: Settings
) -> Change | None:
    thread = state.get(THREAD, ThreadEntry) or ThreadEntry()
    new = Assignment(at=event.at, change_id=event.change_id, to=event.to)
    known = thread.assigned
    if known is not None and (known.at, known.change_id) >= (new.at, new.change_id):
        return None
    return THREAD, thread.model_copy(update={"assigned": new}), None


def _on_moved(
    state: StateStore, event: MovedToCase, now: datetime, settings: Settings
) -> Change | None:
    known = (state.get(text_name(event.inbound_id), TextEntry) or TextEntry()).moved
    new = Move(at=event.at, change_id=event.change_id, case_id=event.case_id)
    if known is not None and (known.at, known.change_id) >= (new.at, new.change_id):
        return None
    return _put_text(state, event.inbound_id, now, {"moved": new})


def _put_text(
    state: StateStore, provider_id: str, now: datetime, changes: dict[str, Any]
) -> Change:
    name = text_name(provider_id)
    known = state.get(name, TextEntry) or TextEntry()
    timer = now + RETENTION if known.received_at is None else None
    return name, known.model_copy(update=changes), timer


_HANDLERS: Final[
    dict[type[Any], Callable[[StateStore, Any, datetime, Settings], Change | None]]
] = {
    Reply: _on_reply,
    ThreadMessage: _on_message,
    CaseNumber: _on_party,
    NumberFact: _on_number_fact,
    Answered: _on_answered,
    NoAnswerNeeded: _on_answered,
    Assigned: _on_assigned,
    MovedToCase: _on_moved,
}
