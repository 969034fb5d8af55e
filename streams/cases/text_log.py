"""The log of a text: every change of its state is published, with the reason."""

from __future__ import annotations

from typing import Any

from schemas.case import CaseText, TextState
from schemas.person import PersonCancel
from schemas.send_request import CancelSource
from schemas.topics import CASE_TEXTS, PERSON_CANCELS
from streams.cases.alerts import publish_alert
from streams.cases.anchors import Use
from streams.cases.draft import Draft
from streams.cases.reasons import CASE_CLOSED, EVENT_CHANGED, NOT_WANTED
from streams.cases.state import DATES, EVENTS, TASKS, EventEntry, TextEntry, text_parts
from streams.reasons import Reason


def write_text(
    draft: Draft, name: str, entry: TextEntry, reason: Reason | None = None
) -> TextEntry:
    """Keep the entry, and log it."""
    entry = entry.model_copy(update={"version": entry.version + 1})
    draft.put(name, entry)
    draft.publish(CASE_TEXTS, _build_log(draft, name, entry, reason))
    return entry


def _build_log(draft: Draft, name: str, entry: TextEntry, reason: Reason | None) -> CaseText:
    anchor, text_id = text_parts(name)
    return CaseText(
        tenant=draft.tenant_id,
        case_id=draft.case_id,
        text_id=text_id,
        message_id=message_id_of(text_id, entry.issue) if entry.issue else None,
        person_id=entry.person_id,
        state=entry.state,
        task_id=anchor.removeprefix(TASKS) if anchor.startswith(TASKS) else None,
        event_id=anchor.removeprefix(EVENTS) if anchor.startswith(EVENTS) else None,
        date_name=anchor.removeprefix(DATES) if anchor.startswith(DATES) else None,
        event_starts_at=entry.starts_at,
        recipe=entry.recipe,
        recipe_version=entry.recipe_version,
        template=entry.template,
        template_version=entry.template_version,
        language=entry.language,
        due_at=entry.due_at,
        reason=reason.rule if reason else entry.reason,
        says=f"{reason.reason}: {reason.next_step}" if reason else None,
        may_return=entry.by_us,
        version=entry.version,
        at=draft.now,
    )


def message_id_of(text_id: str, issue: int) -> str:
    """The text's own id at first, then `t-1f00.2`."""
    return text_id if issue <= 1 else f"{text_id}.{issue}"


def end_text(
    draft: Draft, name: str, entry: TextEntry, state: TextState, reason: Reason, use: Use
) -> None:
    """It ends, or waits to be put right; staff are alerted where somebody counts on it."""
    update: dict[str, Any] = {"state": state, "reason": reason.rule}
    alerts = state in (TextState.TOO_LATE, TextState.NOT_RENDERED)
    if alerts and entry.alert is None:
        update["alert"] = message_id_of(text_parts(name)[1], entry.issue)
    entry = write_text(draft, name, entry.model_copy(update=update), reason)
    if alerts and entry.alert is not None:
        publish_alert(draft, use, entry, entry.alert, reason)


def take_back(draft: Draft, name: str, entry: TextEntry, reason: Reason | None = None) -> None:
    """Cancel its request, wherever that is.  The answer says whether it was in time."""
    anchor, text_id = text_parts(name)
    why = reason or _why_unwanted(draft, anchor, entry)
    cancel = PersonCancel(
        tenant=draft.tenant_id,
        person_id=entry.person_id,
        request_id=message_id_of(text_id, entry.issue),
        case_id=draft.case_id,
        reason=why.reason,
        by=CancelSource.CASES,
        at=draft.now,
    )
    draft.publish(PERSON_CANCELS, cancel)
    update = {"state": TextState.CANCELING, "reason": why.rule}
    write_text(draft, name, entry.model_copy(update=update), why)


def _why_unwanted(draft: Draft, anchor: str, entry: TextEntry) -> Reason:
    if draft.case.closed:
        return CASE_CLOSED
    event = draft.get(anchor, EventEntry) if anchor.startswith(EVENTS) else None
    if event is not None and (event.canceled or event.starts_at != entry.starts_at):
        return EVENT_CHANGED
    return NOT_WANTED
