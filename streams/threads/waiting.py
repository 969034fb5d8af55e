"""Since when, and how many, inbound texts wait for an answer.

*Unread* is not *unanswered*: opening a thread or labelling it changes nothing.  A text waits if it
wants a person and nobody has answered since it came, or said that no answer is needed.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from streams.threads.conversation import Conversation, mark_text, wants_person
from streams.threads.state import Mark, TextEntry, covers


class Waiting(NamedTuple):
    texts: dict[str, TextEntry]
    """Those that are kept, the oldest first."""
    number: int
    since: datetime | None


def find_waiting(conversation: Conversation, mark: Mark | None) -> Waiting:
    """`mark`: up to where texts are answered, or need no answer."""
    texts = {
        name: text
        for name, text in conversation.texts.items()
        if wants_person(text) and not covers(mark, mark_text(name, text))
    }
    since = next((text.received_at for text in texts.values()), None)
    dropped = conversation.thread.dropped
    if dropped is None:
        return Waiting(texts, len(texts), since)
    return Waiting(texts, len(texts) + dropped.texts, dropped.first_at)
