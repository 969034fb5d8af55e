"""What follows from a conversation at the end of a batch."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from schemas.thread import FiledText, InboundUse, Thread
from schemas.topics import CASE_REPLIES, THREADS
from streams.processing import Publication, Settings, StateEntry, StateStore, StepResult
from streams.threads.bounds import drop_oldest
from streams.threads.confirmations import build_replies, find_confirmed
from streams.threads.conversation import Conversation, load_conversation
from streams.threads.filing import file_text, is_settled, list_open_cases
from streams.threads.mails import publish_mails
from streams.threads.state import THREAD, Mark, TextEntry
from streams.threads.waiting import find_waiting

AT_LAST: Final = datetime.max.replace(tzinfo=UTC)
"""As it stands now: by all that has come, for the clocks of other workers may be ahead."""
NAMES_AT_MOST: Final = 100
"""People or cases that a thread names."""


def publish_conversation(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    before = load_conversation(state)
    tenant = state.entity_key.partition("/")[0]
    texts, confirmations = _file_texts(before, tenant, now)
    mark = before.find_mark()
    after, gone = drop_oldest(_keep_read(replace(before, texts=texts)), mark)
    after, published = _publish_thread(state, after, mark, now)
    after, mails = publish_mails(state, after, mark, now, settings)
    changes: dict[str, StateEntry | None] = {
        name: text for name, text in after.texts.items() if text is not before.texts[name]
    }
    changes |= dict.fromkeys(gone)
    if after.thread != before.thread:
        changes[THREAD] = after.thread
    wakes_at = after.thread.wakes_at
    timers = {THREAD: wakes_at} if wakes_at != before.thread.wakes_at else {}
    return StepResult(changes, (*confirmations, *published, *mails), timers)


def _file_texts(
    conversation: Conversation, tenant: str, now: datetime
) -> tuple[dict[str, TextEntry], list[Publication]]:
    texts: dict[str, TextEntry] = {}
    replies: list[Publication] = []
    for name, known in conversation.texts.items():
        text = known
        if not is_settled(text, now):
            if text.use == InboundUse.WAITS and text.confirms is None:
                text, people = find_confirmed(text, conversation)
                replies += [
                    Publication(CASE_REPLIES, reply)
                    for reply in build_replies(tenant, text, people)
                ]
            text = file_text(text, conversation)
        texts[name] = known if text == known else text
    return texts, replies


def _keep_read(conversation: Conversation) -> Conversation:
    """A text that staff have read up to may be forgotten; how far they have read is not."""
    thread = conversation.thread.model_copy(update={"read_up_to": conversation.find_read()})
    return replace(conversation, thread=thread)


def _publish_thread(
    state: StateStore, conversation: Conversation, mark: Mark | None, now: datetime
) -> tuple[Conversation, list[Publication]]:
    """The thread as it stands, if anything in it is new."""
    tenant, _, number = state.entity_key.partition("/")
    entry = conversation.thread
    thread = build_thread(tenant, number, conversation, mark, now)
    has_begun = thread.last_in_at or thread.last_out_at or entry.version or entry.assigned
    digest = _digest(thread)
    if not has_begun or digest == entry.digest:
        return conversation, []
    version = entry.version + 1
    entry = entry.model_copy(update={"version": version, "digest": digest})
    published = thread.model_copy(update={"version": version})
    return replace(conversation, thread=entry), [Publication(THREADS, published)]


def build_thread(
    tenant: str, number: str, conversation: Conversation, mark: Mark | None, now: datetime
) -> Thread:
    waiting = find_waiting(conversation, mark)
    last = next(reversed(conversation.texts.values()), None)
    waits = next(reversed(waiting.texts.values()), None)
    out = conversation.find_last_out()
    assigned = conversation.thread.assigned
    return Thread(
        tenant=tenant,
        number=number,
        waiting_since=waiting.since,
        waiting_texts=waiting.number,
        last_inbound=_describe(last) if last else None,
        last_waiting=_describe(waits) if waits else None,
        last_in_at=last.received_at if last else None,
        last_out_at=out.left_at if out else None,
        last_out_by=out.by if out else None,
        cases=list_open_cases(conversation, AT_LAST)[:NAMES_AT_MOST],
        person_ids=conversation.find_people(AT_LAST)[:NAMES_AT_MOST],
        assigned_to=assigned.to if assigned else None,
        version=conversation.thread.version,
        at=now,
    )


def _describe(text: TextEntry) -> FiledText:
    assert text.received_at is not None
    return FiledText(
        inbound_id=text.provider_id,
        case_id=text.case_id,
        others=text.others,
        person_ids=text.people,
        use=InboundUse.CONFIRMATION if text.confirms else text.use,
        on_closed_case=text.on_closed,
        at=text.received_at,
    )


def _digest(thread: Thread) -> str:
    said = thread.model_dump_json(exclude={"version", "at"})
    return hashlib.sha256(said.encode()).hexdigest()[:16]
