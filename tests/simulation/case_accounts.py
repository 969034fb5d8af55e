"""Lay what the provider took beside what the witness expects, case by case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from schemas import topics as t
from schemas.case import CaseText
from schemas.person import PersonEvent
from tests.simulation import case_clocks as clocks
from tests.simulation.case_scenario import (
    CHANGES_ON,
    DAY,
    DAYS,
    FIRST,
    CaseScenario,
    CaseStory,
    Fact,
    recipes_of,
)
from tests.simulation.case_witness import Left, Who, Witness

ON_TIME = timedelta(minutes=3)
"""From the moment at which a text is due to the provider's hands."""
END = FIRST + (DAYS + 10) * DAY


def watch(scenario: CaseScenario, story: CaseStory) -> Witness:
    """The witness is told what the world was told, when whoever works can know it.  Each story is
    watched once."""
    known = scenario.witnesses.get(story.case_id)
    if known is None:
        known = scenario.witnesses[story.case_id] = _watch(scenario, story)
    return known


def _watch(scenario: CaseScenario, story: CaseStory) -> Witness:
    witness = Witness(recipes_of(0), zone="America/New_York")
    steps = [(_known_at(scenario, fact), fact) for fact in story.facts]
    steps += [
        (_known_at(scenario, fact), fact)
        for number, day in enumerate(CHANGES_ON, start=1)
        if (fact := Fact(FIRST + day * DAY, "recipes", recipes_of(number % 2)))
    ]
    steps.sort(key=lambda step: step[0])
    now = FIRST
    while now < END:
        upcoming = steps[0][0] if steps else END
        due = min(_moments(witness, now), default=END)
        now = min(upcoming, _awake(scenario, due), END)
        told = []
        while steps and steps[0][0] <= now:
            told.append(steps.pop(0)[1])
        for fact in told:
            _tell(witness, fact, now)
        if _awake(scenario, now) == now:
            witness.look(now)
        for fact in told:
            if fact.what == "yes":
                witness.agree(fact.value, now)
    return witness


def _tell(witness: Witness, fact: Fact, now: datetime) -> None:
    match fact.what:
        case "case":
            witness.tell(fact.value)
        case "recipes":
            witness.recipes = fact.value
        case "person":
            witness.people[fact.value.person_id] = Who(fact.value.first_name, fact.value.time_zone)
        case "stop":
            witness.stopped.add(fact.value)


def _known_at(scenario: CaseScenario, fact: Fact) -> datetime:
    """Consent is the gate's, which is never down."""
    return fact.at if fact.what in ("yes", "stop") else _awake(scenario, fact.at)


def _awake(scenario: CaseScenario, at: datetime) -> datetime:
    return next((end for start, end in scenario.outages if start <= at < end), at)


def _moments(witness: Witness, now: datetime) -> Iterator[datetime]:
    """When something may be due next: the time itself, an opening, a closing, a midnight."""
    for use in witness.uses():
        for person_id, party in witness.matter.parties.items():
            text = witness.texts.get((use.name, person_id))
            is_over = text is not None and text.state in ("left", "over") and text.due == use.due
            if use.is_for(person_id, party) and person_id in witness.people and not is_over:
                found = _moments_of(use.due, use.latest, witness.people[person_id].zone)
                yield from (at for at in found if at > now)


@lru_cache(maxsize=1 << 14)
def _moments_of(due: datetime, latest: datetime | None, zone: str) -> tuple[datetime, ...]:
    end = latest or due + 5 * DAY
    first = clocks.local(due - DAY, zone).date()
    days = [first + n * DAY for n in range((end - due).days + 4)]
    hours = (time(), time(8), time(20, 45))
    local = [clocks.shown(datetime.combine(day, hour), zone) for day in days for hour in hours]
    return tuple(sorted({due, end, *(at for at in local if due - DAY < at < end)}))


class Sent(NamedTuple):
    """A text that the provider took."""

    at: datetime
    person_id: str
    anchor: str
    recipe: str | None
    body: str
    to: str


def find_sent(scenario: CaseScenario) -> dict[str, list[Sent]]:
    """By case; each try of a text under its own message id."""
    logs: dict[str, CaseText] = {}
    for one in scenario.world.log.all(t.CASE_TEXTS):
        if one.message_id is not None:
            logs.setdefault(one.message_id, one)
    found: dict[str, list[Sent]] = defaultdict(list)
    for message_id, posts in scenario.posts.items():
        log = logs.get(message_id.partition(":moved-")[0])
        if log is not None:
            anchor = _anchor(log)
            for post, at in posts:
                sent = Sent(at, log.person_id, anchor, log.recipe, post.body, post.to)
                found[log.case_id].append(sent)
    return found


def find_in_doubt(scenario: CaseScenario) -> set[tuple[str, str, str, str | None]]:
    """Case, person, anchor and recipe of what the provider may or may not have."""
    cut_off = {
        one.message_id for one in scenario.world.log.all(t.ATTEMPTS) if one.state == "in_doubt"
    }
    found = set()
    for log in scenario.world.log.all(t.CASE_TEXTS):
        if log.message_id in cut_off:
            found.add((log.case_id, log.person_id, _anchor(log), log.recipe))
    return found


Missed = tuple[str, str, str, str | None]
"""Case, person, anchor and recipe of a text that came too late to be of use."""


def find_missed(scenario: CaseScenario) -> tuple[set[Missed], set[Missed]]:
    """As the case logs it, and as the witness expects it."""
    logged = {
        (log.case_id, log.person_id, _anchor(log), log.recipe)
        for log in scenario.world.log.all(t.CASE_TEXTS)
        if log.state == "too_late"
    }
    expected = {
        (story.case_id, *missed)
        for story in scenario.stories
        for missed in watch(scenario, story).late
    }
    return logged, expected


def _anchor(log: CaseText) -> str:
    return f"task {log.task_id}" if log.task_id else log.event_id or ""


def differences(scenario: CaseScenario) -> list[Any]:
    """Each text that only one of the two has, and each that went to a number that was not theirs."""
    odd: list[Any] = []
    sent = find_sent(scenario)
    for story in scenario.stories:
        witness = watch(scenario, story)
        expected = list(witness.left)
        for one in sent.get(story.case_id, []):
            found = next((left for left in expected if _is_same(one, left)), None)
            if found is None:
                odd.append(("only sent", story.case_id, *one))
                continue
            expected.remove(found)
            if one.to not in numbers_at(story, witness, one):
                odd.append(("to another number", story.case_id, *one))
        odd += [("only expected", story.case_id, *left) for left in expected]
    return odd


def _is_same(sent: Sent, left: Left) -> bool:
    is_named = sent[1:4] == left[1:4] and sent.body in left.bodies
    return is_named and timedelta() <= sent.at - left.at <= ON_TIME


def numbers_at(story: CaseStory, witness: Witness, sent: Sent) -> set[str]:
    """The number that is tied to them in this case, else the one they are texted at."""
    events: list[PersonEvent] = [
        fact.value
        for fact in story.facts
        if fact.what == "person" and fact.at <= sent.at and fact.value.person_id == sent.person_id
    ]
    tied = witness.tied_at(sent.person_id, sent.at)
    return {tied} if tied else {events[-1].numbers[0].number}
