"""The words of a text: rendered when it is due, and never before."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from schemas.recipe import Template
from schemas.wall_time import parse_wall_time
from streams.cases.draft import Draft
from streams.cases.occasions import Occasion
from streams.cases.reasons import EMPTY_TEMPLATE, INVALID_TEMPLATE, MISSING_VALUE, NO_TEMPLATE
from streams.cases.state import PersonEntry
from streams.encoding.body import encode_body, why_unsendable
from streams.encoding.segments import count_segments
from streams.local_time.departures import Windows
from streams.reasons import Reason
from streams.templates.built_in import read_reminder_texts
from streams.templates.fields import (
    CaseFields,
    DateFields,
    EventFields,
    Fields,
    PersonFields,
    TenantFields,
)
from streams.templates.languages import choose_language
from streams.templates.rendering import BrokenTemplate, MissingValue, render


class Words(NamedTuple):
    """What a text would say now."""

    body: str
    language: str
    true_until: datetime | None
    """From then on it would be false."""
    problem: Reason | None = None
    """Why there is no such text."""
    missing: str | None = None
    """The field without a value."""

    @property
    def segments(self) -> int:
        return count_segments(self.body) if self.body else 0


@cache
def default_reminder() -> Template:
    """For reminders of an event itself, where the tenant names no template."""
    return Template(texts=dict(read_reminder_texts()))


def write_words(
    draft: Draft,
    template: Template | None,
    person: PersonEntry,
    occasion: Occasion | None,
    confirm: str | None,
    windows: Windows,
    at: datetime,
) -> Words:
    """As the text reads when it leaves `at` that time."""
    if template is None:
        return Words("", "", None, NO_TEMPLATE)
    if not template.texts:
        return Words("", "", None, EMPTY_TEMPLATE)
    language = choose_language(person.language, template.texts, draft.tenant.locales)
    fields = _build_fields(draft, person, occasion, confirm, windows, at)
    try:
        found = render(template.texts[language], fields, language)
    except MissingValue as missing:
        field = missing.field
        problem = MISSING_VALUE.with_next_step(
            f"give {field} a value: it goes if it is of use then"
        )
        return Words("", language, None, problem, field)
    except BrokenTemplate as broken:
        return Words("", language, None, INVALID_TEMPLATE.with_next_step(f"correct it: {broken}"))
    body = encode_body(found.body, draft.tenant)
    return Words(body, language, found.true_until, why_unsendable(body))


def _build_fields(
    draft: Draft,
    person: PersonEntry,
    occasion: Occasion | None,
    confirm: str | None,
    windows: Windows,
    at: datetime,
) -> Fields:
    case = draft.case
    tenant = draft.tenant
    branch = tenant.branches.get(case.branch or "")
    fields = Fields(
        now=at,
        zones=tuple(windows.zones),
        person=PersonFields(person.name, person.first_name, person.language),
        case=CaseFields(
            case.title, case.reference, case.case_type, branch.name if branch else case.branch
        ),
        tenant=TenantFields(tenant.name, tenant.contact),
        confirm=confirm,
    )
    if occasion is None:
        return fields
    if occasion.event_id is None:
        day: date = parse_wall_time(occasion.starts_at).day
        return fields._replace(date=DateFields(occasion.title, day, occasion.zone))
    return fields._replace(
        event=EventFields(occasion.title, occasion.starts_at, occasion.zone, occasion.location)
    )


def fingerprint(body: str, to: str | None) -> str:
    """Tells whether a text would be another one now."""
    return hashlib.sha256(f"{to or ''}\0{body}".encode()).hexdigest()[:16]
