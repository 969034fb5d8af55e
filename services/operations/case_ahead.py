"""What is ahead in a case, read from the case as it was published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.case import Case, CaseCalendarEvent, CaseTask
from schemas.tenant_settings import TenantSettings
from services.operations.case_view import Ahead, name_event
from streams.cases.audience import OWN_REMINDERS_TO


def list_ahead(case: Case, settings: TenantSettings | None, now: datetime) -> Iterator[Ahead]:
    """The next reminder of each event, and every task that is still to come."""
    if case.closed:
        return
    zone = ZoneInfo(case.time_zone)
    for event in case.events:
        if not event.canceled and event.next_reminder_at is not None:
            yield Ahead(
                event.next_reminder_at,
                name_event(event.title, event.at, now, zone),
                _listeners(case, event, settings),
                event_id=event.event_id,
            )
    for task in case.tasks:
        if not task.canceled and task.due_at is not None and task.due_at >= now:
            yield Ahead(
                task.due_at, f"{task.task_id!r}", _audience(case, task), task_id=task.task_id
            )


def _listeners(
    case: Case, event: CaseCalendarEvent, settings: TenantSettings | None
) -> tuple[str, ...]:
    roles = {OWN_REMINDERS_TO} if event.reminders else set[str]()
    recipes = settings.recipes if settings else {}
    for name, recipe in recipes.items():
        changed = case.recipes.get(name)
        same = (recipe.event_type or "").casefold() == (event.event_type or "").casefold()
        if recipe.event_type is not None and same and not (changed and changed.off):
            roles |= {role.casefold() for role in recipe.roles}
    return tuple(
        party.person_id
        for party in case.parties
        if party.reminders and party.role.casefold() in roles
    )


def _audience(case: Case, task: CaseTask) -> tuple[str, ...]:
    roles = {role.casefold() for role in task.roles}
    return tuple(
        party.person_id
        for party in case.parties
        if party.role.casefold() in roles or party.person_id in task.person_ids
    )
