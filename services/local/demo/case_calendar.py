"""Who must have got which text of the story's cases, reckoned a second time.

This is the witness against the cases processor, so it shares nothing with it: neither
`streams.calendar` nor `streams.templates`.  It has the plan, plain arithmetic on dates, and its own
words.  It compares them with the simulator's journal: each text once, by id, number and words.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.numbers import mask_number
from services.local.demo.cast import CAST, Member
from services.local.demo.story import HEARING, NOTICE, PLACE, TASK, Story

TEXTED: Final = ("agreed", "says START")
"""Fates of those who may be reminded when a reminder is due.  Who says STOP has said it by then."""
FIRST_TEXT: Final = (*TEXTED, "says STOP")
"""Fates of those who get the text of a task: STOP is the answer to it."""
ID_LENGTH: Final = len("t-") + 16
"""What follows counts tries: `t-...` may become `t-....2` when it was taken back before it left."""
MARGIN: Final = timedelta(milliseconds=500)
"""Clocks of two processes are compared."""


class Rule(NamedTuple):
    """A recipe of the sample, as its author would tell it."""

    recipe: str
    days: int = 0
    """The same time of day, so many dates earlier."""
    hours: int = 0
    """So many hours earlier by any stopwatch."""
    confirm: str = ""


RULES: Final = (
    Rule("hearing-day-before", days=1, confirm="C"),
    Rule("hearing-hours-before", hours=2),
)


class Time(NamedTuple):
    """When the hearing is, and from when on that was so."""

    starts_at: str
    since: datetime


class Due(NamedTuple):
    """A reminder, to whomever."""

    rule: Rule
    starts_at: str
    at: datetime


class Expected(NamedTuple):
    """One text to one person."""

    text_id: str
    number: str
    words: frozenset[str]
    """SHA-256 of each text that is right."""
    not_before: datetime | None = None
    is_reminder: bool = False


# --- when


def read_start(starts_at: str, zone: str) -> datetime:
    written = datetime.fromisoformat(starts_at)
    return written if written.tzinfo else written.replace(tzinfo=ZoneInfo(zone))


def reckon_due(starts_at: str, zone: str, rule: Rule) -> datetime:
    start = read_start(starts_at, zone)
    if rule.hours:
        return start.astimezone(UTC) - timedelta(hours=rule.hours)
    there = start.astimezone(ZoneInfo(zone))
    day = there.date() - timedelta(days=rule.days)
    return datetime.combine(day, there.time(), ZoneInfo(zone)).astimezone(UTC)


def list_due(times: Iterable[Time], zone: str, until: datetime) -> Iterator[Due]:
    """What is due by `until`.  What was due before its time was known is left out; so is what was
    due when the hearing had another time already."""
    known = list(times)
    for n, (starts_at, since) in enumerate(known):
        ends = known[n + 1].since if n + 1 < len(known) else until
        for rule in RULES:
            at = reckon_due(starts_at, zone, rule)
            if since < at < ends:
                yield Due(rule, starts_at, at)


# --- what it says


def write_reminder(member: Member, due: Due, zone: str, at: datetime) -> str:
    """As somebody reads it who is in the hearing's own zone."""
    there = read_start(due.starts_at, zone).astimezone(ZoneInfo(zone))
    is_near = (there.date() - at.astimezone(ZoneInfo(zone)).date()).days
    if member.language == "es":
        day = {0: "hoy", 1: "mañana"}.get(is_near, "?")
        ask = f" Responda {due.rule.confirm} para confirmar." if due.rule.confirm else ""
        clock = _write_hour(there)
        half = "a.m." if there.hour < 12 else "p.m."
        return f"{member.first}: su audiencia es {day}, {clock} {half}, {PLACE}.{ask}"
    day = {0: "today", 1: "tomorrow"}.get(is_near, "?")
    ask = f" Reply {due.rule.confirm} to confirm." if due.rule.confirm else ""
    clock = write_clock(due.starts_at, zone)
    return f"{member.first}, your hearing is {day} at {clock}, {PLACE}.{ask}"


def _write_hour(there: datetime) -> str:
    return f"{(there.hour - 1) % 12 + 1}:{there.minute:02}"


def write_clock(starts_at: str, zone: str) -> str:
    """Such as `3:04 PM`."""
    there = read_start(starts_at, zone).astimezone(ZoneInfo(zone))
    return f"{_write_hour(there)} {'AM' if there.hour < 12 else 'PM'}"


def write_task(member: Member) -> str:
    if member.own_case:
        return f"{member.first}, your brief is filed. The court answers within 30 days."
    if member.language == "es":
        return (
            f"{member.first}: traiga su licencia y dos talones de pago recientes a nuestra oficina."
            " ¿Preguntas? Llame al (212) 555-0100."
        )
    return (
        f"{member.first}, please bring your ID and your last two pay stubs to our office."
        " Questions? Call (212) 555-0100."
    )


# --- which text


def name_reminder(story: Story, due: Due, member: Member) -> str:
    """The text's id, from what names it."""
    return _name(
        story,
        member,
        "event",
        f"due/event/{HEARING}",
        due.starts_at,
        story.zone,
        due.rule.recipe,
        story.person_id(member),
    )


def name_task(story: Story, member: Member) -> str:
    task = NOTICE if member.own_case else TASK
    return _name(story, member, "task", f"due/task/{task}", story.person_id(member))


def _name(story: Story, member: Member, *said: str) -> str:
    whole = "\0".join((story.tenant, story.case_of(member), *said))
    return f"t-{_hash(whole)[:16]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def list_expected(story: Story, times: Iterable[Time], until: datetime) -> list[Expected]:
    found = [
        Expected(name_task(story, member), member.number, frozenset({_hash(write_task(member))}))
        for member in CAST
        if member.fate in FIRST_TEXT
    ]
    for due in list_due(times, story.zone, until):
        for member in CAST:
            if member.fate in TEXTED and not member.own_case:
                said = {write_reminder(member, due, story.zone, at) for at in (due.at, until)}
                name = name_reminder(story, due, member)
                words = frozenset(map(_hash, said))
                found.append(Expected(name, member.number, words, due.at, is_reminder=True))
    return found


def list_names(story: Story, times: Iterable[Time], until: datetime) -> Iterator[str]:
    """Of all texts that the cases request, also for those who get none."""
    yield from (name_task(story, member) for member in CAST)
    for due in list_due(times, story.zone, until):
        yield from (name_reminder(story, due, member) for member in CAST if not member.own_case)


def reckon_first_due(story: Story) -> datetime:
    """When the reminder of the hearing's first time would have gone."""
    return min(
        at
        for rule in RULES
        if (at := reckon_due(story.first_time, story.zone, rule)) > story.begins
    )


def list_names_of_first_time(story: Story) -> Iterator[str]:
    for rule in RULES:
        due = Due(rule, story.first_time, reckon_due(story.first_time, story.zone, rule))
        yield from (name_reminder(story, due, member) for member in CAST)


# --- and whether it went


def find_differences(expected: Iterable[Expected], calls: Iterable[dict[str, Any]]) -> list[str]:
    """`calls`: create calls of this tenant, as the journal has them.  Empty: the very same."""
    went: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        name = str(call["callback"]["message_id"])
        if name.startswith("t-") and call["outcome"] == "taken":
            went[name[:ID_LENGTH]].append(call)
    known = {one.text_id: one for one in expected}
    strange = [
        f"{name} to {mask_number(call['number'])} was not due"
        for name, found in went.items()
        if name not in known
        for call in found
    ]
    return strange + [
        problem for one in known.values() for problem in _judge(one, went[one.text_id])
    ]


def _judge(one: Expected, went: list[dict[str, Any]]) -> Iterator[str]:
    who = f"{one.text_id} to {mask_number(one.number)}"
    if len(went) != 1:
        yield f"{who} went {len(went)} times" if went else f"{who} never went"
    for call in went:
        if call["number"] != one.number:
            yield f"{who} went to {mask_number(call['number'])}"
        if call["body"] not in one.words:
            yield f"{who} had other words"
        if one.not_before and datetime.fromisoformat(call["at"]) < one.not_before - MARGIN:
            yield f"{who} went before it was due"
