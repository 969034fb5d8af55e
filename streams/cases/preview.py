"""What will be sent, to whom, when and why then: the processor's own functions on a copy.

So a preview cannot disagree with what happens, as long as nothing changes.  It carries the versions
of the case and the settings that it was made from; who sends by it has to name them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from schemas.case import Readiness, TextState
from streams.cases.anchors import Use, find_uses
from streams.cases.changes import apply_change
from streams.cases.draft import Draft
from streams.cases.numbers import choose_number
from streams.cases.plans import Plan, has_successor, plan_again, plan_new
from streams.cases.reasons import CASE_CLOSED, SAME_TEXT, SUPERSEDED
from streams.cases.registers import Written
from streams.cases.state import CASE, DUE, PARTIES, TextEntry
from streams.cases.texts import Wanted, find_wanted, words_of
from streams.local_time.departures import DepartureReason
from streams.processing import Settings, StateStore
from streams.reasons import Reason


class PreviewWarning(StrEnum):
    SHARED_NUMBER = "shared_number"
    """Somebody else gets another text at the same number."""
    LATE = "late"
    """Its time has passed: it goes at once."""
    RECORD_MISSING = "record_missing"
    """Nobody is on record under this person id."""


class PreviewLine(NamedTuple):
    """One text to one person."""

    person_id: str
    name: str
    number: str | None
    """In E.164."""
    recipe: str | None
    text_id: str
    due_at: datetime
    departs_at: datetime | None
    """When it leaves our side; consent, approval and pace come after.  None: it does not."""
    why_then: DepartureReason | None
    body: str
    """As it reads when it leaves."""
    language: str
    segments: int
    readiness: Readiness | None
    """By the person's record alone: whether they have opted in is for the gate to say."""
    state: str | None
    """Of a text that was requested before, or ends without a request."""
    reason: Reason | str | None
    """Why it does not leave, or ended so."""
    missing: str | None
    """The field without a value that stops it."""
    warnings: tuple[PreviewWarning, ...] = ()
    template: str | None = None
    problem: Reason | None = None
    """Why its words cannot be made now, also of one that was requested before."""


class Preview(NamedTuple):
    lines: tuple[PreviewLine, ...]
    reason: Reason | None
    """Why there are none."""
    case_version: int
    settings_version: str


def preview(
    state: StateStore,
    anchor: str,
    now: datetime,
    settings: Settings,
    changes: Iterable[Any] = (),
) -> Preview:
    """`anchor`: `task/ID`, `event/ID` or `date/NAME`.  `changes`: what if these case events came as
    well.  A case that was not launched yet is taken to be launched now.

    Raises KeyError if the tenant has no settings."""
    draft = Draft(StateStore(state.entity_key, dict(state.raw)), now, settings)
    for change in changes:
        apply_change(draft, change)
    case = draft.case
    if case.launched is None:
        launched = Written(at=now, change_id="preview")
        draft.put(CASE, case.model_copy(update={"launched": launched}))
    lines = [
        line
        for use in sorted(find_uses(draft, f"{DUE}{anchor}"), key=lambda one: one.due)
        for line in _of_use(draft, use)
    ]
    return Preview(
        tuple(lines),
        CASE_CLOSED if case.closed else None,
        case.version,
        settings.versions.get(draft.tenant_id, ""),
    )


def _of_use(draft: Draft, use: Use) -> list[PreviewLine]:
    lines: list[PreviewLine] = []
    for name in draft.index.by_sort[PARTIES]:
        wanted = find_wanted(draft, use, name.removeprefix(PARTIES))
        if wanted is not None:
            line = _build_line(draft, wanted)
            if line is not None:
                lines.append(line)
    return _compare_numbers(lines)


def _build_line(draft: Draft, wanted: Wanted) -> PreviewLine | None:
    use = wanted.use
    entry = draft.get(wanted.name, TextEntry)
    plan: Plan | None = Plan()
    is_new = entry is None or (entry.state == TextState.CANCELED and entry.by_us)
    if entry is None:
        plan = plan_new(draft, use, wanted.person_id, wanted.party, wanted.windows)
    elif is_new or entry.state == TextState.NOT_RENDERED:
        plan = plan_again(draft, use, wanted.windows)
    if plan is None:
        return None
    departure = plan.departure
    words = words_of(draft, wanted, departure.at if departure else draft.now)
    chosen = choose_number(wanted.person, wanted.party.tied_number, draft.tenant.number_types)
    reason: Reason | str | None = plan.reason
    state: str | None = plan.state
    if entry is None and departure is not None and _gives_way(draft, wanted, departure.at):
        departure, reason, state = None, SUPERSEDED, TextState.SKIPPED
    elif departure is not None and words.problem is not None:
        departure, reason, state = None, words.problem, TextState.NOT_RENDERED
    elif departure is None and plan.state is None and entry is not None:
        state, reason = entry.state, entry.reason
    warnings = []
    if departure is not None and departure.reason is DepartureReason.OVERDUE:
        warnings.append(PreviewWarning.LATE)
    if not wanted.person.known:
        warnings.append(PreviewWarning.RECORD_MISSING)
    return PreviewLine(
        person_id=wanted.person_id,
        name=wanted.person.name,
        number=chosen.number,
        recipe=use.recipe,
        text_id=wanted.text_id,
        due_at=use.due,
        departs_at=departure.at if departure else None,
        why_then=departure.reason if departure else None,
        body=words.body,
        language=words.language,
        segments=words.segments,
        readiness=chosen.reason,
        state=state,
        reason=reason,
        missing=words.missing,
        warnings=tuple(warnings),
        template=use.template,
        problem=words.problem,
    )


def _gives_way(draft: Draft, wanted: Wanted, at: datetime) -> bool:
    """To a later reminder with the same words, that leaves then as well."""
    return has_successor(draft, wanted.use, wanted.person_id, wanted.party, at)


def _compare_numbers(lines: list[PreviewLine]) -> list[PreviewLine]:
    """Of equal words to one number one goes; different ones both go, with a warning."""
    bodies: dict[str, set[str]] = {}
    for line in lines:
        if line.number is not None and line.departs_at is not None:
            bodies.setdefault(line.number, set()).add(line.body)
    found: list[PreviewLine] = []
    gone: set[tuple[str, str]] = set()
    for line in lines:
        number = line.number
        if number is None or line.departs_at is None:
            found.append(line)
        elif (number, line.body) in gone:
            ended = line._replace(departs_at=None, why_then=None, state=TextState.SKIPPED)
            found.append(ended._replace(reason=SAME_TEXT))
        else:
            gone.add((number, line.body))
            shared = (PreviewWarning.SHARED_NUMBER,) if len(bodies[number]) > 1 else ()
            found.append(line._replace(warnings=(*line.warnings, *shared)))
    return found
