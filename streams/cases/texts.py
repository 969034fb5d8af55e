"""Compare one text with what is wanted of it now: request it, take it back, or end it.

A text that has left never goes again, whatever changes.  One that was taken back before it left
goes again under another message id, once its cancel is confirmed.  `settle` may be called at any
time: it changes nothing when nothing has changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.case import TextState
from schemas.numbers import e164
from schemas.person import PersonRequest
from schemas.topics import PERSON_REQUESTS
from streams.cases.alerts import close_alert
from streams.cases.anchors import FORGET_AFTER, Use, find_uses, name_text
from streams.cases.draft import Draft
from streams.cases.numbers import ChosenNumber, choose_number
from streams.cases.parties import find_number
from streams.cases.plans import Plan, find_windows, is_due_to, plan_again, plan_new
from streams.cases.reasons import OTHER_TIME, OTHER_WORDS, SAME_TEXT, TOO_LATE, UNTRUE
from streams.cases.state import (
    NumberEntry,
    PartyEntry,
    PersonEntry,
    TextEntry,
    number_name,
    party_name,
    person_name,
    text_name,
    text_parts,
)
from streams.cases.text_log import end_text, message_id_of, take_back, write_text
from streams.cases.words import Words, fingerprint, write_words
from streams.local_time.departures import Windows

BEFORE_UNTRUE: Final = timedelta(minutes=2)
"""A text is taken back so long before its words turn false; its `valid_until` sees to the rest."""
RECORD_WITHIN: Final = timedelta(days=1)
"""A text that came too late is told of when people has told who it was due to: until then its
event is not over.  The record itself has them looked at; this is only how often to ask."""
SETTLED: Final = frozenset({TextState.SENT, TextState.ARRIVED, TextState.FAILED})
"""Nothing changes what has become of these."""
NOT_NEEDED: Final = "it is not due any more"
MAX_ISSUES: Final = 100
"""Requests of one text: a loop of changes must end somewhere."""


class Wanted(NamedTuple):
    """A text that is due to a person, and all that it is made of."""

    use: Use
    name: str
    """Of its entry."""
    text_id: str
    person_id: str
    party: PartyEntry
    person: PersonEntry
    number: str | None
    windows: Windows

    @property
    def to(self) -> str | None:
        """The number that is tied to the party."""
        return e164(self.party.tied_number) if self.party.tied_number else None


def find_wanted(draft: Draft, use: Use, person_id: str) -> Wanted | None:
    """None: it is not due to them, or people has not told us yet who they are."""
    party = draft.get(party_name(person_id), PartyEntry)
    if party is None or not is_due_to(use, person_id, party):
        return None
    person = draft.get(person_name(person_id), PersonEntry)
    if person is None:
        return None
    number = choose_number(person, party.tied_number, draft.tenant.number_types).number
    windows = find_windows(draft, use, person, number)
    text_id = name_text(draft, use, person_id)
    name = text_name(use.anchor, text_id)
    return Wanted(use, name, text_id, person_id, party, person, number, windows)


def words_of(draft: Draft, wanted: Wanted, at: datetime) -> Words:
    use = wanted.use
    return write_words(
        draft, use.words, wanted.person, use.occasion, use.confirm, wanted.windows, at
    )


def settle_use(draft: Draft, use: Use, person_id: str) -> datetime | None:
    """When to look at this text of this person again; None: there is no need."""
    name = text_name(use.anchor, name_text(draft, use, person_id))
    entry = draft.get(name, TextEntry)
    if entry is not None and entry.state in SETTLED:
        return None
    wanted = find_wanted(draft, use, person_id)
    if entry is not None:
        return settle(draft, name, entry, wanted)
    if wanted is None:
        return _wait_for_record(draft, use, person_id)
    plan = plan_new(draft, use, person_id, wanted.party, wanted.windows)
    if plan is None:
        return None
    entry = TextEntry(
        person_id=person_id, recipe=use.recipe, starts_at=use.starts_at, state=TextState.CANCELED
    )
    return _follow(draft, wanted, entry, plan)


def _wait_for_record(draft: Draft, use: Use, person_id: str) -> datetime | None:
    party = draft.get(party_name(person_id), PartyEntry)
    if party is None or not is_due_to(use, person_id, party):
        return None
    if use.latest is None or draft.now >= use.ends_at + FORGET_AFTER:
        return None
    return max(use.latest, draft.now + RECORD_WITHIN)


def settle_text(draft: Draft, name: str) -> datetime | None:
    """The same for a text that has an entry, whatever became of what it was due by."""
    entry = draft.get(name, TextEntry)
    if entry is None or entry.state in SETTLED:
        return None
    wanted = None
    for use in find_uses(draft, text_parts(name)[0]):
        if (use.recipe, use.starts_at) == (entry.recipe, entry.starts_at):
            found = find_wanted(draft, use, entry.person_id)
            if found is not None and found.name == name:
                wanted = found
    return settle(draft, name, entry, wanted)


def settle(draft: Draft, name: str, entry: TextEntry, wanted: Wanted | None) -> datetime | None:
    match entry.state:
        case TextState.REQUESTED if wanted is None or not entry.has_left:
            return _settle_requested(draft, name, entry, wanted)
        case TextState.CANCELING if wanted is not None and _is_over(wanted, draft):
            end_text(draft, name, entry, TextState.TOO_LATE, TOO_LATE, wanted.use)
        case TextState.CANCELED if entry.by_us:
            return _settle_again(draft, entry, wanted)
        case TextState.NOT_RENDERED if wanted is None:
            close_alert(draft, entry, None, NOT_NEEDED)
            update = {"state": TextState.CANCELED, "by_us": True, "alert": None}
            write_text(draft, name, entry.model_copy(update=update))
        case TextState.NOT_RENDERED:
            return _settle_again(draft, entry, wanted)
        case TextState.SKIPPED if entry.same_as is not None:
            if not _stands_for_it(draft, entry.same_as, wanted):
                return _settle_again(draft, entry, wanted)
        case TextState.TOO_LATE if wanted is None and entry.alert is not None:
            close_alert(draft, entry, None, NOT_NEEDED)
            draft.put(name, entry.model_copy(update={"alert": None}))
        case TextState.SKIPPED | TextState.TOO_LATE if wanted is not None:
            return _settle_ended(draft, entry, wanted)
    return None


def _stands_for_it(draft: Draft, name: str, wanted: Wanted | None) -> bool:
    """Whether the other text goes, or has gone, to this number.  It may have been taken back, or
    have moved with its person before it left."""
    other = draft.get(name, TextEntry)
    if other is None or other.state == TextState.CANCELED:
        return False
    if wanted is None or other.has_left or other.state != TextState.REQUESTED:
        return True
    return _reaches(draft, other.person_id, wanted.number)


def _reaches(draft: Draft, person_id: str, number: str | None) -> bool:
    """Whether a text to this person goes to the number now."""
    party = draft.get(party_name(person_id), PartyEntry)
    if party is None:
        return False
    return find_number(draft, person_id, party) == ChosenNumber(number, None)


def list_left_out(draft: Draft, name: str) -> tuple[str, ...]:
    """The entries of texts that were left out because of this one."""
    entry = draft.get(name, TextEntry)
    return () if entry is None else entry.stands_for


def _is_over(wanted: Wanted, draft: Draft) -> bool:
    """Nobody has said what became of the try that was taken back, and the next one waits for
    that."""
    return wanted.use.latest is not None and draft.now >= wanted.use.latest


def _settle_ended(draft: Draft, entry: TextEntry, wanted: Wanted) -> datetime | None:
    """It never went, and its time has changed since: it is planned like a new one."""
    if entry.due_at in (None, wanted.use.due) or entry.issue >= MAX_ISSUES:
        return None
    plan = plan_new(draft, wanted.use, wanted.person_id, wanted.party, wanted.windows)
    return None if plan is None else _follow(draft, wanted, entry, plan)


def _settle_requested(
    draft: Draft, name: str, entry: TextEntry, wanted: Wanted | None
) -> datetime | None:
    if wanted is None:
        take_back(draft, name, entry)
        return None
    if entry.due_at != wanted.use.due:
        departure = plan_again(draft, wanted.use, wanted.windows).departure
        if departure is not None and departure.at > draft.now:
            take_back(draft, name, entry, OTHER_TIME)
            return None
    if entry.true_until is not None and draft.now >= entry.true_until - BEFORE_UNTRUE:
        take_back(draft, name, entry, UNTRUE)
        return None
    words = words_of(draft, wanted, draft.now)
    if words.problem is not None or fingerprint(words.body, wanted.to) != entry.fingerprint:
        take_back(draft, name, entry, OTHER_WORDS)
        return None
    return None if entry.true_until is None else entry.true_until - BEFORE_UNTRUE


def _settle_again(draft: Draft, entry: TextEntry, wanted: Wanted | None) -> datetime | None:
    if wanted is None:
        return None
    if entry.reason == UNTRUE.rule and entry.true_until and draft.now < entry.true_until:
        return entry.true_until
    plan = plan_again(draft, wanted.use, wanted.windows)
    if entry.issue >= MAX_ISSUES and plan.departure is not None:
        return None  # it ends with an alert, when it is of no use any more
    return _follow(draft, wanted, entry, plan)


def _follow(draft: Draft, wanted: Wanted, entry: TextEntry, plan: Plan) -> datetime | None:
    """Do what the plan says, if it is time."""
    if plan.state is not None:
        assert plan.reason is not None
        end_text(draft, wanted.name, _stamp(wanted, entry), plan.state, plan.reason, wanted.use)
        return None
    assert plan.departure is not None
    if plan.departure.at > draft.now:
        return plan.departure.at
    return _issue(draft, wanted, entry)


def _issue(draft: Draft, wanted: Wanted, entry: TextEntry) -> datetime | None:
    words = words_of(draft, wanted, draft.now)
    entry = _stamp(wanted, entry).model_copy(
        update={"language": words.language or None, "true_until": words.true_until}
    )
    if words.problem is not None:
        if (entry.state, entry.reason) != (TextState.NOT_RENDERED, words.problem.rule):
            problem = words.problem
            state = TextState.NOT_RENDERED
            end_text(draft, wanted.name, entry, state, problem, wanted.use)
        return wanted.use.latest
    if words.true_until is not None and draft.now >= words.true_until - BEFORE_UNTRUE:
        return words.true_until  # it would hardly leave in time
    same = _find_same(draft, wanted, words.body)
    if same is not None:
        if entry.same_as != same:
            entry = entry.model_copy(update={"same_as": same})
            _stand_for(draft, same, wanted.name)
            end_text(draft, wanted.name, entry, TextState.SKIPPED, SAME_TEXT, wanted.use)
        return None
    update: dict[str, Any] = {
        "state": TextState.REQUESTED,
        "issue": entry.issue + 1,
        "fingerprint": fingerprint(words.body, wanted.to),
        "has_left": False,
        "by_us": False,
        "reason": None,
        "same_as": None,
        "moves": 0,
        "answered": 0,
    }
    entry = entry.model_copy(update=update)
    if entry.alert is not None:
        close_alert(draft, entry, wanted.use, "it goes now, after all")
        entry = entry.model_copy(update={"alert": None})
    draft.publish(PERSON_REQUESTS, build_request(draft, wanted, entry, words))
    write_text(draft, wanted.name, entry)
    return None if words.true_until is None else words.true_until - BEFORE_UNTRUE


def _stamp(wanted: Wanted, entry: TextEntry) -> TextEntry:
    """By which version of what it goes."""
    use = wanted.use
    update = {
        "recipe_version": use.version,
        "template": use.template,
        "template_version": use.template_version,
        "due_at": use.due,
        "latest": use.latest,
    }
    return entry.model_copy(update=update)


def _find_same(draft: Draft, wanted: Wanted, body: str) -> str | None:
    """The text with the same words that another party gets at the same number."""
    if wanted.number is None:
        return None
    sharing = draft.get(number_name(wanted.number), NumberEntry)
    for person_id in sharing.people if sharing else ():
        if person_id == wanted.person_id:
            continue
        other = text_name(wanted.use.anchor, name_text(draft, wanted.use, person_id))
        entry = draft.get(other, TextEntry)
        if entry is None or entry.state in (TextState.CANCELED, TextState.CANCELING):
            continue
        if not entry.has_left and not _reaches(draft, person_id, wanted.number):
            continue  # it waits for another number
        found = find_wanted(draft, wanted.use, person_id)
        to = found.to if found is not None else None
        if entry.issue and entry.fingerprint == fingerprint(body, to):
            return other
    return None


def _stand_for(draft: Draft, name: str, other: str) -> None:
    """If this text is taken back, the other one goes."""
    entry = draft.get(name, TextEntry)
    if entry is not None and other not in entry.stands_for:
        draft.put(name, entry.model_copy(update={"stands_for": (*entry.stands_for, other)}))


def build_request(draft: Draft, wanted: Wanted, entry: TextEntry, words: Words) -> PersonRequest:
    """One request: its words are true until `valid_until`, and it is of use until then."""
    use = wanted.use
    occasion = use.occasion
    ends = [one for one in (use.latest, words.true_until) if one is not None]
    return PersonRequest(
        message_id=message_id_of(wanted.text_id, entry.issue),
        tenant=draft.tenant_id,
        branch=draft.case.branch,
        kind=use.kind,
        person_id=wanted.person_id,
        case_id=draft.case_id,
        event_id=occasion.event_id if occasion else None,
        event_at=occasion.at if occasion else None,
        event_title=occasion.title if occasion else None,
        valid_until=min(ends, default=None),
        requested_at=draft.now,
        requested_by=use.by,
        written_by=use.written_by,
        undo_seconds=use.undo_seconds,
        to=wanted.to,
        body=words.body,
    )
