"""What is due at a task, an event or a named date: which texts, to whom, and when.

A future text has no entry.  Whenever an anchor is looked at, its uses are computed from what the
case and the tenant's settings say now.  So a change of either needs no other care."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

from schemas.offsets import parse_offset
from schemas.recipe import IfLate, Recipe, Template
from schemas.send_request import Kind
from streams.calendar.due_times import due_at, latest_useful
from streams.calendar.instants import end_of_use
from streams.cases.audience import (
    OWN_REMINDERS_TO,
    Audience,
    build_audience,
    recipes_of_date,
    recipes_of_event,
)
from streams.cases.draft import Draft
from streams.cases.occasions import (
    Occasion,
    occasion_of_date,
    occasion_of_event,
    occasion_of_task,
)
from streams.cases.state import DATES, EVENTS, TASKS, Anchor, DateEntry, EventEntry, TaskEntry
from streams.cases.task_times import JOINS_WITHIN, task_due
from streams.cases.words import default_reminder
from streams.templates.languages import ENGLISH

BY_REMINDER: Final = "case-reminder"
"""Who requests the texts that no task asks for."""
MARGIN_MINUTES: Final = 30
"""Of the reminders of an event itself, as a recipe has by default."""
FORGET_AFTER: Final = timedelta(days=35)
"""Texts about an event are forgotten so long after it, and none begins to be due."""
USEFUL_AFTER: Final = timedelta(days=2)
"""For so long after its due time a text that comes after its event is of use."""


class Use(NamedTuple):
    """One text to each of some parties."""

    anchor: str
    recipe: str | None
    """None: a task."""
    due: datetime
    latest: datetime | None
    """When it is of no use any more."""
    known_at: datetime
    """When it was last decided that it is due then."""
    audience: Audience
    template: str | None
    words: Template | None
    """None: there is no template of that name."""
    kind: str
    if_late: IfLate = IfLate.SEND
    confirm: str | None = None
    said: object = None
    """What the recipe and its template said."""
    occasion: Occasion | None = None
    by: str | None = None
    written_by: str | None = None
    undo_seconds: int | None = None

    @property
    def is_automatic(self) -> bool:
        """The switch of a party's reminders concerns it."""
        return self.recipe is not None

    @property
    def starts_at(self) -> str | None:
        return self.occasion.starts_at if self.occasion and self.recipe else None

    @property
    def token(self) -> str:
        """Names the use and its time, within its anchor."""
        return _name_use(self.recipe, self.starts_at, self.due)

    @property
    def version(self) -> str:
        """Names what a recipe and its template said: the first 12 hex digits of their hash."""
        texts = self.words.texts if self.words else None
        written = json.dumps([self.said, texts], sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(written.encode()).hexdigest()[:12]

    @property
    def template_version(self) -> str | None:
        """None: its words are its own, or Sayso's."""
        return self.words.version if self.template is not None and self.words else None

    @property
    def ends_at(self) -> datetime:
        """Nothing begins to be due by it any more."""
        return self.due + JOINS_WITHIN if self.latest is None else self.latest


@lru_cache(maxsize=1 << 12)
def _name_use(recipe: str | None, starts_at: str | None, due: datetime) -> str:
    said = f"{recipe or ''} {starts_at or ''} {due.isoformat()}"
    return f"{crc32(said.encode()):08x}"


def name_text(draft: Draft, use: Use, person_id: str) -> str:
    """The text's id: it leaves at most once."""
    said: list[str | None]
    if use.recipe is None or use.occasion is None:
        said = ["task", use.anchor, person_id]
    else:
        one = use.occasion
        said = ["event", use.anchor, one.starts_at, one.zone, use.recipe, person_id]
    return f"t-{_hash(draft.tenant_id, draft.case_id, *said)[:16]}"


def name_task_text(tenant: str, case_id: str, task_id: str, person_id: str) -> str:
    """The text of a task to a person.  It is known before the case has requested it, so that it
    can be withdrawn at once."""
    return f"t-{_hash(tenant, case_id, 'task', f'{TASKS}{task_id}', person_id)[:16]}"


def _hash(*said: str | None) -> str:
    return hashlib.sha256("\0".join(one or "" for one in said).encode()).hexdigest()


def time_of(draft: Draft, entry: Anchor) -> str:
    """Names the time that an anchor has now; empty for what has none of its own."""
    if isinstance(entry, EventEntry):
        return f"{entry.starts_at} {entry.time_zone or draft.zone}"
    return ""


def find_uses(draft: Draft, anchor: str) -> list[Use]:
    """None from a closed case, and none of what is canceled.  Computed once a batch."""
    key = f"uses/{anchor}"
    version = draft.settings.versions.get(draft.tenant_id, "")
    found = draft.index.cache.get(key)
    if found is None or found[0] != version:
        found = (version, list(_compute_uses(draft, anchor)))
        draft.index.cache[key] = found
    uses: list[Use] = found[1]
    return uses


def _compute_uses(draft: Draft, anchor: str) -> Iterator[Use]:
    if draft.case.closed:
        return
    entry = draft.anchor(anchor)
    if isinstance(entry, TaskEntry):
        yield from _of_task(draft, anchor, entry)
    elif isinstance(entry, EventEntry) and entry.saved is not None and not entry.canceled:
        yield from _of_event(draft, anchor, entry)
    elif isinstance(entry, DateEntry) and entry.date is not None:
        yield from _of_date(draft, anchor, entry)


# --- tasks


def _of_task(draft: Draft, anchor: str, task: TaskEntry) -> Iterator[Use]:
    due = task_due(draft, task)
    if due is None or task.scheduled is None or task.canceled:
        return
    occasion = occasion_of_task(draft, task)
    times = [one.at for one in (task.scheduled, task.timing) if one is not None]
    yield Use(
        anchor=anchor,
        recipe=None,
        due=due,
        latest=_latest_of_task(task, occasion, due),
        known_at=max(times),
        audience=build_audience(task.roles, task.person_ids),
        template=task.template,
        words=_words_of_task(draft, task),
        kind=task.kind,
        said=[task.template, task.body, task.kind],
        occasion=occasion,
        by=task.by,
        written_by=task.written_by,
        undo_seconds=task.undo_seconds,
    )


def _latest_of_task(task: TaskEntry, occasion: Occasion | None, due: datetime) -> datetime | None:
    """A text before an event, or about one that is still to come, is of no use after it."""
    if occasion is None:
        return None
    end = end_of_use(occasion.starts_at, occasion.zone)
    offset = task.when.offset
    if offset is None:
        return end if due <= end else None
    return end if parse_offset(offset).amount <= 0 else None


def _words_of_task(draft: Draft, task: TaskEntry) -> Template | None:
    if task.body is not None:
        language = next(iter(draft.tenant.locales), ENGLISH)
        return Template.model_construct(
            texts={language: task.body}
        )  # empty words are told of later
    return draft.tenant.templates.get(task.template or "")


# --- events and dates


def _of_event(draft: Draft, anchor: str, event: EventEntry) -> Iterator[Use]:
    assert event.saved is not None
    occasion = occasion_of_event(draft, anchor.removeprefix(EVENTS), event)
    known_at = event.saved.at
    for offset in event.reminders:
        yield _own_reminder(draft, anchor, occasion, offset, known_at)
    for name, recipe in recipes_of_event(draft, event):
        yield _of_recipe(draft, anchor, occasion, name, recipe, known_at)


def _of_date(draft: Draft, anchor: str, entry: DateEntry) -> Iterator[Use]:
    assert entry.date is not None
    assert entry.written is not None
    name = anchor.removeprefix(DATES)
    occasion = occasion_of_date(draft, name, entry.date)
    for recipe_name, recipe in recipes_of_date(draft, name):
        yield _of_recipe(draft, anchor, occasion, recipe_name, recipe, entry.written.at)


def _own_reminder(
    draft: Draft, anchor: str, occasion: Occasion, offset: str, known_at: datetime
) -> Use:
    """Of the event itself, to its clients, in the tenant's words for such reminders or ours."""
    template = draft.tenant.reminder_template
    words = default_reminder() if template is None else draft.tenant.templates.get(template)
    due = due_at(occasion.starts_at, occasion.zone, offset)
    return Use(
        anchor=anchor,
        recipe=offset,
        due=due,
        latest=_latest(occasion, offset, due, MARGIN_MINUTES),
        known_at=known_at,
        audience=build_audience([OWN_REMINDERS_TO]),
        template=template,
        words=words,
        kind=Kind.REMINDER,
        said=offset,
        occasion=occasion,
        by=BY_REMINDER,
    )


def _of_recipe(
    draft: Draft,
    anchor: str,
    occasion: Occasion,
    name: str,
    recipe: Recipe,
    known_at: datetime,
) -> Use:
    words = draft.tenant.templates.get(recipe.template)
    due = due_at(occasion.starts_at, occasion.zone, recipe.offset, recipe.at)
    return Use(
        anchor=anchor,
        recipe=name,
        due=due,
        latest=_latest(occasion, recipe.offset, due, recipe.margin_minutes),
        known_at=known_at,
        audience=build_audience(recipe.roles),
        template=recipe.template,
        words=words,
        kind=recipe.kind,
        if_late=recipe.if_late,
        confirm=recipe.confirm,
        said=recipe,
        occasion=occasion,
        by=BY_REMINDER,
    )


def _latest(occasion: Occasion, offset: str, due: datetime, margin: int) -> datetime:
    """Half of the time that is left stays, where the margin is longer than that."""
    if parse_offset(offset).amount > 0:
        return due + USEFUL_AFTER
    end = end_of_use(occasion.starts_at, occasion.zone)
    return max(latest_useful(end, margin), due + (end - due) / 2 if end > due else due)
