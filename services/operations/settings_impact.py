"""What new settings do to texts that are scheduled already.

A template that gets a field stops every text to somebody without that value, and nobody would
notice before the text is due, perhaps at night.  So whoever applies the settings is told before.
The processor's own preview says so, with the new settings on the cases of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from schemas.case import Case, TextState
from schemas.recipe import Recipe
from schemas.tenant_settings import TenantSettings
from services.ledger import Ledger
from services.ledger.cases import find_settings, list_cases
from services.operations.case_preview import DATE, EVENT, TASK, gather
from services.operations.cases import KnownCase
from streams.cases import PreviewLine, preview
from streams.reasons import Reason

AHEAD: Final = frozenset({TextState.NOT_RENDERED, TextState.REQUESTED})
"""States of a text that is not over: it has not left, and is rendered by the new settings."""


class Part(StrEnum):
    TEMPLATE = "template"
    RECIPE = "recipe"


class PartChange(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class ScheduledText(NamedTuple):
    case_id: str
    anchor: str
    """`task/ID`, `event/ID` or `date/NAME`."""
    person_id: str
    text_id: str
    due_at: datetime
    missing: str | None
    """The field without a value that will stop it."""
    problem: str | None
    """Why it cannot be rendered, as a rule's name; `missing_value` among them."""


class Impact(NamedTuple):
    """A template or a recipe that the new settings change, and what is scheduled by it."""

    tenant: str
    part: Part
    name: str
    change: PartChange
    texts: tuple[ScheduledText, ...]

    @property
    def stopped(self) -> list[ScheduledText]:
        """Those that cannot go by the new settings."""
        return [one for one in self.texts if one.problem is not None]

    @property
    def cases(self) -> dict[str, int]:
        """How many texts of each case."""
        found: dict[str, int] = {}
        for one in self.texts:
            found[one.case_id] = found.get(one.case_id, 0) + 1
        return found


class Lookahead(NamedTuple):
    """What several tenants' new settings change."""

    impacts: tuple[Impact, ...] = ()
    why_not: str | None = None
    """Nobody could look at what is scheduled."""

    @property
    def stopped(self) -> int:
        """Texts that cannot go.  A text of a changed recipe with a changed template stops once."""
        return len(
            {(i.tenant, one.case_id, one.text_id) for i in self.impacts for one in i.stopped}
        )


class _Changes(NamedTuple):
    before: TenantSettings
    after: TenantSettings
    parts: Mapping[tuple[Part, str], PartChange]

    @property
    def removes_recipes(self) -> bool:
        return any(
            part is Part.RECIPE and change is PartChange.REMOVED
            for (part, _), change in self.parts.items()
        )

    def has(self, part: Part, name: str | None) -> bool:
        return name is not None and (part, name) in self.parts


def look_ahead(ledger: Ledger, tenants: Iterable[TenantSettings], now: datetime) -> Lookahead:
    return Lookahead(tuple(one for each in tenants for one in find_impacts(ledger, each, now)))


def describe_lookahead(looked: Lookahead) -> dict[str, Any]:
    return {
        "looked_ahead": looked.why_not is None,
        "why_not": looked.why_not,
        "changes": [
            {
                "tenant": one.tenant,
                "part": one.part,
                "name": one.name,
                "change": one.change,
                "scheduled_texts": len(one.texts),
                "cases": one.cases,
                "stopped": [
                    text._asdict() | {"due_at": text.due_at.isoformat()} for text in one.stopped
                ],
            }
            for one in looked.impacts
        ],
    }


def find_impacts(ledger: Ledger, tenant: TenantSettings, now: datetime) -> list[Impact]:
    """By part and name.  Of what was added only what open cases use at once."""
    before = find_settings(ledger, tenant.tenant)
    if before is None:
        return []
    changes = _compare(before, tenant)
    found: dict[tuple[Part, str], list[ScheduledText]] = {name: [] for name in changes.parts}
    if found:
        for case in list_cases(ledger, tenant.tenant):
            for name, text in _of_case(ledger, case, changes, now):
                found[name].append(text)
    return [
        Impact(tenant.tenant, part, name, changes.parts[part, name], tuple(texts))
        for (part, name), texts in sorted(found.items())
        if texts or changes.parts[part, name] is not PartChange.ADDED
    ]


def _compare(before: TenantSettings, after: TenantSettings) -> _Changes:
    parts: dict[tuple[Part, str], PartChange] = {}
    both: tuple[tuple[Part, Mapping[str, Any], Mapping[str, Any]], ...] = (
        (Part.TEMPLATE, before.templates, after.templates),
        (Part.RECIPE, before.recipes, after.recipes),
    )
    for part, old, new in both:
        for name in old.keys() | new.keys():
            if name not in old:
                parts[part, name] = PartChange.ADDED
            elif name not in new:
                parts[part, name] = PartChange.REMOVED
            elif old[name] != new[name]:
                parts[part, name] = PartChange.CHANGED
    own = after.reminder_template
    if own is not None and own != before.reminder_template:
        parts.setdefault((Part.TEMPLATE, own), PartChange.CHANGED)
    return _Changes(before, after, parts)


def _of_case(
    ledger: Ledger, case: Case, changes: _Changes, now: datetime
) -> Iterator[tuple[tuple[Part, str], ScheduledText]]:
    anchors = [anchor for anchor in _anchors(case) if _may_use(case, anchor, changes)]
    if not anchors:
        return
    for tenant in (changes.after, changes.before):
        if tenant is changes.before and not changes.removes_recipes:
            continue
        about = KnownCase(ledger, case.tenant, case.case_id, case, tenant, case.time_zone)
        sources = gather(about)
        for anchor in anchors:
            for line in preview(sources.state, anchor, now, sources.settings).lines:
                for name in _parts_of(line, changes, removed=tenant is changes.before):
                    yield name, _build_text(case, anchor, line)


def _anchors(case: Case) -> Iterator[str]:
    yield from (f"{TASK}/{task.task_id}" for task in case.tasks if not task.canceled)
    yield from (f"{EVENT}/{event.event_id}" for event in case.events if not event.canceled)
    yield from (f"{DATE}/{name}" for name in case.dates)


def _may_use(case: Case, anchor: str, changes: _Changes) -> bool:
    """A firm has thousands of cases: only those are previewed that may be concerned."""
    sort, _, identity = anchor.partition("/")
    if sort == TASK:
        task = next(one for one in case.tasks if one.task_id == identity)
        return changes.has(Part.TEMPLATE, task.template)
    kind = ""
    if sort == EVENT:
        event = next(one for one in case.events if one.event_id == identity)
        kind = (event.event_type or "").casefold()
        if event.reminders and changes.has(Part.TEMPLATE, changes.after.reminder_template):
            return True
    for tenant in (changes.before, changes.after):
        for name, recipe in tenant.recipes.items():
            if not _is_for(recipe, sort, identity, kind):
                continue
            own = case.recipes.get(name)
            template = (own.template if own else None) or recipe.template
            if changes.has(Part.RECIPE, name) or changes.has(Part.TEMPLATE, template):
                return True
    return False


def _is_for(recipe: Recipe, sort: str, identity: str, kind: str) -> bool:
    if sort == DATE:
        return recipe.date_name == identity
    return bool(kind) and (recipe.event_type or "").casefold() == kind


def _parts_of(line: PreviewLine, changes: _Changes, *, removed: bool) -> Iterator[tuple[Part, str]]:
    """Which changed parts the text uses, if it is still to go.

    `removed`: by the settings before, where only what is removed counts; the new ones do not know
    such a recipe."""
    if line.departs_at is None and line.state not in AHEAD:
        return
    used = ((Part.TEMPLATE, line.template), (Part.RECIPE, line.recipe))
    for part, name in used:
        if name is None or not changes.has(part, name):
            continue
        is_gone = part is Part.RECIPE and changes.parts[part, name] is PartChange.REMOVED
        if is_gone == removed:
            yield part, name


def _build_text(case: Case, anchor: str, line: PreviewLine) -> ScheduledText:
    return ScheduledText(
        case.case_id,
        anchor,
        line.person_id,
        line.text_id,
        line.due_at,
        line.missing,
        line.problem.rule if isinstance(line.problem, Reason) else None,
    )
