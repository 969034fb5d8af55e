"""Tell the law-office story from the ledger: one line for each person, what happened and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.case import TextState
from services.ledger import Ledger
from services.ledger.threads import EntryKind, read_conversation
from services.local.demo.case_calendar import (
    list_due,
    list_names_of_first_time,
    name_reminder,
    name_task,
    read_start,
    write_clock,
)
from services.local.demo.cast import ANA, CAST, GRACE, LUIS, QUESTION, WALT, Member
from services.local.demo.staff import ACTOR
from services.local.demo.story_run import (
    StoryResult,
    find_case,
    find_mails,
    find_thread,
    has_confirmed,
    list_texts,
)
from services.operations.case_view import view_parties
from services.operations.errors import OperationError
from services.operations.explain_text import describe, describe_origin, find_explained
from streams.lifecycle import State

WENT: Final = (TextState.SENT, TextState.ARRIVED, TextState.FAILED)


class StoryLine(NamedTuple):
    who: str
    says: str
    text_id: str = ""
    """For `sayso explain`."""
    state: str = ""
    """Of that text."""


def describe_story(ledger: Ledger, result: StoryResult) -> Iterator[StoryLine]:
    yield _describe_hearing(ledger, result)
    for member in CAST:
        text_id = _last_text(result, member)
        state, explained = _explain(ledger, result, text_id)
        parts = (
            *_tell_before(ledger, result, member),
            explained,
            *_tell_replies(ledger, result, member),
            *_tell_after(ledger, result, member),
        )
        yield StoryLine(member.first, "; ".join(parts), text_id, state)


def _describe_hearing(ledger: Ledger, result: StoryResult) -> StoryLine:
    """With the texts of its first time that the case has on record."""
    story = result.story
    case = find_case(ledger, story, story.joint_case)
    texts = list_texts(ledger, story)
    first = [texts[name] for name in list_names_of_first_time(story) if name in texts]
    ended = Counter(f"{text.recipe} {text.state} ({text.reason})" for text in first)
    became = ", ".join(f"{count} {what}" for what, count in ended.items())
    went = sum(text.state in WENT for text in first)
    old, new = (_write_time(one.starts_at, story.zone) for one in result.times)
    return StoryLine(
        case.title if case else story.joint_case,
        f"the hearing of {old} was moved to {new}; of the first time {went or 'no'} texts went,"
        f" and the case has {became or 'none'}",
    )


def _write_time(starts_at: str, zone: str) -> str:
    day = read_start(starts_at, zone).astimezone(ZoneInfo(zone))
    return f"{day:%a} {write_clock(starts_at, zone)}"


def _last_text(result: StoryResult, member: Member) -> str:
    """Their reminder, if one was due to them."""
    story = result.story
    due = [] if member.own_case else list(list_due(result.times, story.zone, result.until))
    return name_reminder(story, due[-1], member) if due else name_task(story, member)


def _tell_before(ledger: Ledger, result: StoryResult, member: Member) -> Iterator[str]:
    if member is WALT:
        yield _describe_readiness(ledger, result, member)
    if member is GRACE:
        yield f"{ACTOR} has approved her text"


def _tell_replies(ledger: Ledger, result: StoryResult, member: Member) -> Iterator[str]:
    conversation = read_conversation(ledger, result.story.tenant, member.number)
    said = [repr(one.data["body"]) for one in conversation if one.kind is EntryKind.INBOUND]
    if said:
        yield f"texted {' and '.join(said)}"


def _describe_readiness(ledger: Ledger, result: StoryResult, member: Member) -> str:
    story = result.story
    case = find_case(ledger, story, story.case_of(member))
    for view in view_parties(ledger, case) if case else ():
        if view.party.person_id == story.person_id(member):
            return f"{view.readiness}: {view.reason}"
    return "is no party"


def _tell_after(ledger: Ledger, result: StoryResult, member: Member) -> Iterator[str]:
    if member is ANA and has_confirmed(ledger, result.story, member):
        yield "she has confirmed the hearing"
    if member is LUIS:
        thread = find_thread(ledger, result.story, member)
        if thread is not None and thread.waiting_since is not None:
            yield f"he waits for an answer since {thread.waiting_since:%H:%M:%S} UTC"
        for mail in find_mails(ledger, result.story, member, QUESTION):
            yield f"his question was mailed to {mail.to} (sayso mail)"


def _explain(ledger: Ledger, result: StoryResult, text_id: str) -> tuple[str, str]:
    """The text's state, and what `sayso explain` says first, on one line."""
    try:
        found = find_explained(ledger, text_id, result.story.tenant)
    except OperationError as error:
        return "", str(error)
    head = describe(found, unmask=False)
    outcome = head.details.partition("\n")[0]
    next_step = "" if head.state == State.DELIVERED else f" (next: {head.next_step})"
    source = _describe_source(found.origin)
    return head.state, f"{text_id} is {head.state}{outcome}{next_step}{source}"


def _describe_source(origin: dict[str, Any] | None) -> str:
    """Recipe or task, event, template: the line says for whom it is already."""
    if origin is None:
        return ""
    parts = describe_origin(origin).split(", ")
    return f", made by {', '.join(parts[1:-1])}"
