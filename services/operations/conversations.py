"""Conversations: find one, say in words what passed in it, and record what staff did about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from schemas.base import Slug
from schemas.blank_text import is_blank
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.inbound import Reply
from schemas.numbers import e164, mask_number
from schemas.send_request import Kind, SendRequest
from schemas.thread import Answered, Assigned, MovedToCase, NoAnswerNeeded, NoteAdded, Thread
from schemas.topics import CONSENT_EVENTS, SEND_REQUESTS, THREAD_EVENTS
from services.ledger import Ledger
from services.ledger.cases import find_cases
from services.ledger.people import PersonView, find_people, list_numbers_of
from services.ledger.threads import (
    Entry,
    EntryKind,
    find_reply,
    find_thread_tenants,
    find_threads,
    list_reply_ids,
)
from services.operations.cases import find_case, hint_at
from services.operations.errors import InvalidRequest
from services.operations.session import Session
from services.operations.validation import build_message, new_id, parse_number

M = TypeVar("M", bound=Any)
_SLUG: Final = TypeAdapter[str](Slug)
NO_CASE: Final = "none"
"""Instead of a case: the tenant's unassigned inbox."""


class Conversation(NamedTuple):
    """A conversation that somebody named."""

    ledger: Ledger
    tenant: str
    number: str
    thread: Thread | None
    """None: nothing of it has been processed yet, or it is older than threads are."""


def find_conversations(ledger: Ledger, target: str, tenant: str | None) -> tuple[Conversation, ...]:
    """By number, or by person: each of their numbers that there is a conversation with.

    Raises InvalidRequest where there is none."""
    if _is_number(target):
        number = parse_number("NUMBER", target)
        found = [(owner, number) for owner in find_thread_tenants(ledger, number, tenant)]
        nobody = "Nothing is on record of that number"
    else:
        found = _of_person(ledger, target, tenant)
        nobody = f"There is no conversation with {target!r}"
    if not found:
        raise InvalidRequest(nobody + (f" at {tenant}" if tenant else ""))
    return tuple(
        Conversation(ledger, owner, number, next(iter(find_threads(ledger, number, owner)), None))
        for owner, number in found
    )


def find_conversation(ledger: Ledger, target: str, tenant: str | None) -> Conversation:
    """Exactly one, to act on: of a person's, the one that waits.  Raises InvalidRequest."""
    found = find_conversations(ledger, target, tenant)
    if len({one.tenant for one in found}) > 1:
        owners = ", ".join(sorted({one.tenant for one in found}))
        raise InvalidRequest(f"{owners} each have such a conversation", "say which with --tenant")
    waiting = [one for one in found if one.thread and one.thread.waiting_since]
    likely = found if len(found) == 1 else waiting
    if len(likely) != 1:
        raise InvalidRequest(
            f"{target!r} has conversations on {len(found)} numbers", "name the number"
        )
    return likely[0]


def _is_number(target: str) -> bool:
    return target.strip()[:1] in ("+", "(", "\uff0b") or sum(map(str.isdigit, target)) > 8


def _of_person(ledger: Ledger, person_id: str, tenant: str | None) -> list[tuple[str, str]]:
    people = find_people(ledger, person_id, tenant)
    if not people:
        names = ledger.rows("SELECT person_id FROM people WHERE ?1 IS NULL OR tenant = ?1", tenant)
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(
            f"Nobody is on record as {person_id!r}{at}",
            hint_at(person_id, [row["person_id"] for row in names], "name a number"),
        )
    return [
        (owner, number)
        for person in people
        for owner in (person.person["tenant"],)
        for number in _numbers_of(ledger, person)
        if find_thread_tenants(ledger, number, owner)
    ]


def _numbers_of(ledger: Ledger, person: PersonView) -> Iterable[str]:
    """Theirs now, then those that were: a conversation stays with its number."""
    now = [e164(number["number"]) for number in person.person.get("numbers", ())]
    former = list_numbers_of(ledger, person.person["tenant"], person.person["person_id"])
    return dict.fromkeys((*now, *former))


def find_inbound(about: Conversation, inbound_id: str) -> Reply:
    """Raises InvalidRequest, with near ids."""
    reply = find_reply(about.ledger, about.tenant, about.number, inbound_id)
    if reply is None:
        known = list_reply_ids(about.ledger, about.tenant, about.number)
        raise InvalidRequest(
            f"There is no inbound text {inbound_id!r} in this conversation",
            hint_at(inbound_id, known, f"the last is {known[0]!r}" if known else "there is none"),
        )
    return reply


# What staff do.


def _build(kind: type[M], about: Conversation, by: str, now: datetime, **fields: Any) -> M:
    return build_message(
        kind,
        tenant=about.tenant,
        number=about.number,
        change_id=new_id("n"),
        by=by,
        at=now,
        **fields,
    )


def build_text(
    about: Conversation,
    body: str,
    by: str,
    now: datetime,
    undo_seconds: int | None = None,
    case_id: str | None = None,
) -> SendRequest:
    """A text by hand into the conversation, from the sender that the recipient knows.

    `case_id`: what it is about, NO_CASE for none; left out, the case that spoke last.  Raises
    InvalidRequest."""
    if is_blank(body):
        raise InvalidRequest("The text is empty", 'write it: text "We will call you at five."')
    thread = about.thread
    people = thread.person_ids if thread else ()
    case_id = case_id or (thread.cases[0] if thread and thread.cases else NO_CASE)
    case_id = None if case_id == NO_CASE else case_id
    return build_message(
        SendRequest,
        message_id=new_id("m"),
        tenant=about.tenant,
        branch=_branch_of(about, case_id),
        to=about.number,
        body=body,
        kind=Kind.DIRECT,
        case_id=case_id,
        person_id=people[0] if len(people) == 1 else None,
        requested_at=now,
        requested_by=by,
        written_by=by,
        undo_seconds=undo_seconds,
    )


def build_note(about: Conversation, text: str, by: str, now: datetime) -> NoteAdded:
    """Words for colleagues.  They go with the case that spoke last.  Raises InvalidRequest."""
    if not text.strip():
        raise InvalidRequest("The note is empty", 'write it: note "Prefers calls after five."')
    last = about.thread.cases[:1] if about.thread else ()
    note: NoteAdded = _build(
        NoteAdded, about, by, now, text=text, case_id=last[0] if last else None
    )
    return note


def build_answered(about: Conversation, note: str, by: str, now: datetime) -> Answered:
    """By phone or letter.  A text that came after the last one on record still waits."""
    answered: Answered = _build(
        Answered, about, by, now, inbound_id=_last_inbound(about), note=note
    )
    return answered


def build_no_answer_needed(about: Conversation, by: str, now: datetime) -> NoAnswerNeeded:
    """A text that came after the last one on record still waits."""
    done: NoAnswerNeeded = _build(NoAnswerNeeded, about, by, now, inbound_id=_last_inbound(about))
    return done


def _last_inbound(about: Conversation) -> str | None:
    """What whoever asked can have read: the last text in the ledger."""
    known = list_reply_ids(about.ledger, about.tenant, about.number)
    return known[0] if known else None


def build_assigned(about: Conversation, to: str, by: str, now: datetime) -> Assigned:
    """`nobody` takes it from whoever has it."""
    who = None if to in ("", "nobody") else to
    assigned: Assigned = _build(Assigned, about, by, now, to=who)
    return assigned


def build_moved(
    about: Conversation, inbound_id: str, case_id: str, by: str, now: datetime
) -> MovedToCase:
    """Raises InvalidRequest for a text or a case that is not on record."""
    find_inbound(about, inbound_id)
    case = None if case_id == NO_CASE else find_case(about.ledger, case_id, about.tenant).case_id
    moved: MovedToCase = _build(MovedToCase, about, by, now, inbound_id=inbound_id, case_id=case)
    return moved


def build_no_more_texts(
    about: Conversation, inbound_id: str, by: str, now: datetime
) -> ConsentEvent:
    """They want no more texts, and this text of theirs says so.  Said twice, it counts once.

    Raises InvalidRequest for a text that is not on record."""
    reply = find_inbound(about, inbound_id)
    place = reply.evidence
    origin = f"{place.topic}/{place.partition}@{place.offset}" if place.topic else None
    evidence = place.model_copy(update={"text": reply.body, "actor": by, "origin": origin})
    return build_message(
        ConsentEvent,
        event_id=_event_id(reply),
        tenant=about.tenant,
        number=about.number,
        action=ConsentAction.OPT_OUT,
        source=ConsentSource.MANUAL,
        at=now,
        evidence=evidence,
    )


def _event_id(reply: Reply) -> str:
    written = f"no-more:{reply.provider_id}"
    try:
        return _SLUG.validate_python(written)
    except ValidationError:
        return new_id("c")


def _branch_of(about: Conversation, case_id: str | None) -> str | None:
    found = find_cases(about.ledger, case_id, about.tenant) if case_id else ()
    return found[0].branch if found else None


def last_place(entries: Sequence[Entry], by: str) -> str:
    """The place of the last thing that whoever answers should have read: a text of theirs, or what
    a colleague wrote or did.  What `by` did counts as read."""
    read = (entry.place for entry in reversed(entries) if _is_to_read(entry, by))
    return next(read, "")


def _is_to_read(entry: Entry, by: str) -> bool:
    if entry.kind not in (EntryKind.OUTBOUND, EntryKind.NOTE):
        return entry.kind is EntryKind.INBOUND
    author = entry.data.get("written_by") or entry.data.get("by")
    return bool(author) and author != by


async def publish_thread_event(kafka: Session, event: Any) -> None:
    """Publish what staff did or wrote, or what it means for consent.  Raises OperationError."""
    await kafka.require_tenants(event.tenant)
    if isinstance(event, SendRequest):
        await kafka.publish(SEND_REQUESTS, [event])
        return
    if isinstance(event, ConsentEvent):
        await kafka.publish(CONSENT_EVENTS, [event])
    else:
        await kafka.publish(THREAD_EVENTS, [event])


# In words.


class EntryLine(NamedTuple):
    """`who`: them, us, a member of staff, or Sayso."""

    who: str
    what: str
    state: str
    identity: str
    """Of a text: what it is named by."""


def describe_entry(entry: Entry) -> EntryLine:
    return _WORDS[entry.kind](entry.data)


def _inbound(data: Mapping[str, Any]) -> EntryLine:
    media = data.get("media") or ()
    pictures = f"[{len(media)} attachment{'s' if media[1:] else ''}] " if media else ""
    return EntryLine("them", f"{pictures}{data['body']}", "", data["provider_id"])


def _outbound(data: Mapping[str, Any]) -> EntryLine:
    who = data.get("written_by") or "us"
    state = data.get("state") or str(data.get("verdict", ""))
    code = f" {data['error_code']}" if data.get("error_code") else ""
    body = data.get("body") or f"({data['kind']}, its words are gone)"
    case = f" [case {data['case_id']}]" if data.get("case_id") else ""
    kind = "" if data["kind"] == "direct" else f"({data['kind'].replace('_', ' ')}) "
    return EntryLine(who, f"{kind}{body}{case}", f"{state}{code}", data["message_id"])


def _staff(data: Mapping[str, Any]) -> EntryLine:
    match data.get("type"):
        case "note_added":
            what = f"note: {data.get('text', '')}"
        case "answered":
            note = data.get("note")
            what = "answered otherwise" + (f": {note}" if note else "")
        case "no_answer_needed":
            what = "no answer needed"
        case "assigned":
            what = f"given to {data['to']}" if data.get("to") else "given to nobody"
        case "moved_to_case":
            what = f"text {data.get('inbound_id')} moved to {_name_case(data.get('case_id'))}"
        case other:
            what = str(other)
    return EntryLine(str(data.get("by", "")), what, "", "")


def _name_case(case_id: Any) -> str:
    return f"case {case_id}" if case_id else "no case"


def _consent(data: Mapping[str, Any]) -> EntryLine:
    by = data["source"].replace("_", " ")
    action = data["action"].replace("_", " ")
    return EntryLine("consent", f"{action} by {by}: {data['was']} → {data['now']}", data["now"], "")


def _number(data: Mapping[str, Any]) -> EntryLine:
    person = data["person_id"]
    if data.get("left"):
        return EntryLine("number", f"no longer the number of {person}", "", "")
    switch = data.get("sms_enabled")
    texts = "" if switch is None else f", {'on' if switch else 'off'} for texts"
    return EntryLine("number", f"a number of {person}{texts}", "", "")


def _mail(data: Mapping[str, Any]) -> EntryLine:
    again = "still unanswered, " if data["reason"] == "unanswered" else ""
    return EntryLine("mail", f"{again}mailed to {data['to']}", "", "")


_WORDS: Final[Mapping[EntryKind, Callable[[Mapping[str, Any]], EntryLine]]] = {
    EntryKind.INBOUND: _inbound,
    EntryKind.OUTBOUND: _outbound,
    EntryKind.NOTE: _staff,
    EntryKind.CONSENT: _consent,
    EntryKind.NUMBER: _number,
    EntryKind.MAIL: _mail,
}


def name_thread(about: Conversation, unmask: bool) -> str:
    return f"{about.tenant}/{about.number if unmask else mask_number(about.number)}"
