"""Who of a case is due a text, now or later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from schemas.recipe import Recipe
from streams.calendar.instants import instant_of
from streams.cases.draft import Draft
from streams.cases.state import (
    DATES,
    EVENTS,
    RECIPES,
    TASKS,
    DateEntry,
    EventEntry,
    PartyEntry,
    RecipeEntry,
    TaskEntry,
)
from streams.cases.task_times import JOINS_WITHIN, task_due

PAST_FOR: Final = timedelta(days=7)
"""For so long after an event somebody may still be due a text about it."""
OWN_REMINDERS_TO: Final = "client"
"""The role that the reminders of an event itself go to."""


class Audience(NamedTuple):
    roles: frozenset[str]
    """Case-folded."""
    person_ids: frozenset[str] = frozenset()

    def includes(self, person_id: str, party: PartyEntry) -> bool:
        return person_id in self.person_ids or party.role.casefold() in self.roles


def build_audience(roles: Iterable[str], person_ids: Iterable[str] = ()) -> Audience:
    return Audience(frozenset(map(str.casefold, roles)), frozenset(person_ids))


def recipes_of_event(draft: Draft, event: EventEntry) -> Iterator[tuple[str, Recipe]]:
    """The tenant's recipes for an event of this type, as the case has changed them."""
    kind = (event.event_type or "").casefold()
    for name, recipe in draft.tenant.recipes.items():
        if recipe.event_type is not None and kind and recipe.event_type.casefold() == kind:
            changed = change_recipe(draft, name, recipe)
            if changed is not None:
                yield name, changed


def recipes_of_date(draft: Draft, date_name: str) -> Iterator[tuple[str, Recipe]]:
    for name, recipe in draft.tenant.recipes.items():
        if recipe.date_name == date_name:
            changed = change_recipe(draft, name, recipe)
            if changed is not None:
                yield name, changed


def change_recipe(draft: Draft, name: str, recipe: Recipe) -> Recipe | None:
    """None: the case has switched it off."""
    entry = draft.get(f"{RECIPES}{name}", RecipeEntry)
    if entry is None:
        return recipe
    if entry.off:
        return None
    given = {"offset": entry.offset, "at": entry.clock, "template": entry.template}
    return recipe.model_copy(update={key: one for key, one in given.items() if one is not None})


def is_due_a_text(draft: Draft, person_id: str, party: PartyEntry) -> bool:
    """By a task, or by a reminder that may still come."""
    if not party.present:
        return False
    by_hand, by_itself = _audiences(draft)
    if by_hand.includes(person_id, party):
        return True
    return party.reminders and by_itself.includes(person_id, party)


def digest_audience(draft: Draft) -> str:
    """Another one: others may be due a text, or can get one."""
    by_hand, by_itself = _audiences(draft)
    types = sorted(draft.tenant.number_types)
    said = repr([types, *(sorted(part) for one in (by_hand, by_itself) for part in one)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _audiences(draft: Draft) -> tuple[Audience, Audience]:
    """Of all tasks together, and of all reminders; computed once a batch."""
    version = draft.settings.versions.get(draft.tenant_id, "")
    found = draft.index.cache.get("audiences")
    if found is None or found[0] != version:
        found = (version, (_of_tasks(draft), _of_reminders(draft)))
        draft.index.cache["audiences"] = found
    audiences: tuple[Audience, Audience] = found[1]
    return audiences


def _of_tasks(draft: Draft) -> Audience:
    roles: set[str] = set()
    people: set[str] = set()
    for name in draft.index.by_sort[TASKS]:
        task = draft.get(name, TaskEntry)
        if task is None or task.scheduled is None or task.canceled:
            continue
        due = task_due(draft, task)
        if due is None or draft.now < due + JOINS_WITHIN:
            roles.update(task.roles)
            people.update(task.person_ids)
    return build_audience(roles, people)


def _of_reminders(draft: Draft) -> Audience:
    roles: set[str] = set()
    for name in draft.index.by_sort[EVENTS]:
        event = draft.get(name, EventEntry)
        if event is None or event.saved is None or event.canceled:
            continue
        zone = event.time_zone or draft.zone
        if instant_of(event.starts_at, zone) + PAST_FOR < draft.now:
            continue
        if event.reminders:
            roles.add(OWN_REMINDERS_TO)
        for _, recipe in recipes_of_event(draft, event):
            roles.update(recipe.roles)
    for name in draft.index.by_sort[DATES]:
        date = draft.get(name, DateEntry)
        if date is not None and date.date is not None:
            for _, recipe in recipes_of_date(draft, name.removeprefix(DATES)):
                roles.update(recipe.roles)
    return build_audience(roles)
