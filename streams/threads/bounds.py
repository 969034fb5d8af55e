"""Keep a conversation small, however much is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from streams.threads.conversation import Conversation, mark_text, wants_person
from streams.threads.state import (
    OUT_AT_MOST,
    TEXTS_AT_MOST,
    Dropped,
    Mark,
    covers,
    later_mark,
    out_name,
)

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def drop_oldest(conversation: Conversation, mark: Mark | None) -> tuple[Conversation, list[str]]:
    """The conversation without what is too much to keep, and the names of those entries."""
    conversation, texts = _drop_texts(conversation, mark)
    conversation, outs = _drop_outs(conversation)
    return conversation, [*texts, *outs]


def _drop_texts(conversation: Conversation, mark: Mark | None) -> tuple[Conversation, list[str]]:
    """Of those that wait, only their number and the first one's time are kept."""
    dropped = conversation.thread.dropped
    if dropped is not None and covers(mark, dropped.last):
        dropped = None
    surplus = max(len(conversation.texts) - TEXTS_AT_MOST, 0)
    names = []
    for name, text in islice(conversation.texts.items(), surplus):
        names.append(name)
        here = mark_text(name, text)
        is_repeat = dropped is not None and covers(dropped.last, here)
        if not wants_person(text) or covers(mark, here) or is_repeat:
            continue
        first_at = dropped.first_at if dropped else here.at
        dropped = Dropped(first_at=first_at, last=here, texts=dropped.texts + 1 if dropped else 1)
    if not names and dropped == conversation.thread.dropped:
        return conversation, []
    texts = {name: text for name, text in conversation.texts.items() if name not in names}
    thread = conversation.thread.model_copy(update={"dropped": dropped})
    return replace(conversation, texts=texts, thread=thread), names


def _drop_outs(conversation: Conversation) -> tuple[Conversation, list[str]]:
    """What they have answered stays answered."""
    surplus = len(conversation.outs) - OUT_AT_MOST
    if surplus <= 0:
        return conversation, []
    oldest = sorted(conversation.outs.items(), key=lambda item: item[1].left_at or _NEVER)[:surplus]
    marks = [Mark(at=out.written_at) for _, out in oldest if out.by and out.stands]
    read = later_mark(conversation.thread.read_up_to, *marks)
    gone = {name for name, _ in oldest}
    outs = {name: out for name, out in conversation.outs.items() if name not in gone}
    thread = conversation.thread.model_copy(update={"read_up_to": read})
    return replace(conversation, outs=outs, thread=thread), [out_name(name) for name in gone]
