"""Conversations."""

from __future__ import annotations

from datetime import datetime

from services.client.models.base import Input, Output, Page


class ThreadAction(Input):
    written_by: str | None = None
    """The member of staff, by name; left out, the key."""


class ReplyInput(ThreadAction):
    body: str
    undo_seconds: int | None = None
    """It is held for so long, so that `cancel` can take it back."""


class NoteInput(ThreadAction):
    text: str


class Noted(Output):
    change_id: str


class ThreadItem(Output):
    number: str
    names: tuple[str, ...]
    waiting_since: datetime | None
    """When the oldest text came that waits for an answer."""
    waiting_texts: int
    last_text: str | None
    case_ids: tuple[str, ...]
    person_ids: tuple[str, ...]
    assigned_to: str | None
    may_be_opt_out: bool
    """A text may be an opt-out, and staff have not answered yet."""
    changed_at: datetime


class ThreadPage(Page):
    items: tuple[ThreadItem, ...]


class FiledText(Output):
    """An inbound text, and the case that it was filed with."""

    inbound_id: str
    case_id: str | None = None
    others: tuple[str, ...] = ()
    person_ids: tuple[str, ...] = ()
    use: str
    on_closed_case: bool = False
    at: datetime


class Thread(Output):
    """How a conversation stands now."""

    tenant: str
    number: str
    waiting_since: datetime | None = None
    waiting_texts: int = 0
    last_inbound: FiledText | None = None
    last_waiting: FiledText | None = None
    last_in_at: datetime | None = None
    last_out_at: datetime | None = None
    last_out_by: str | None = None
    cases: tuple[str, ...] = ()
    person_ids: tuple[str, ...] = ()
    assigned_to: str | None = None
    version: int
    at: datetime


class EntryItem(Output):
    kind: str
    """in, out, note, consent, number or mail."""
    at: datetime
    who: str
    text: str
    state: str
    """Of a text that was sent."""
    id: str
    """Of a text: its message id, or the provider's."""


class EntryPage(Page):
    items: tuple[EntryItem, ...]
