"""Check what became of the law-office story, by a calendar of its own and by the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from services.ledger import Ledger
from services.ledger.times import parse_time
from services.local.demo.case_calendar import (
    find_differences,
    list_expected,
    list_names_of_first_time,
    name_task,
    reckon_first_due,
    write_clock,
)
from services.local.demo.cast import ANA, GRACE, LUIS, QUESTION
from services.local.demo.checks import Calls, Check
from services.local.demo.staff import ACTOR
from services.local.demo.story import MAIL_TO
from services.local.demo.story_run import StoryResult, count_caught, find_mails, has_confirmed
from services.local.mail_catcher.store import MailStore


def check_story(
    ledger: Ledger, mails: MailStore | None, calls: Calls, result: StoryResult
) -> Iterator[Check]:
    """`mails`: where those to staff are caught, if they are."""
    yield check_calendar(calls, result)
    yield check_first_time(calls, result)
    yield _check_approval(ledger, calls, result)
    confirmed = has_confirmed(ledger, result.story, ANA)
    yield Check(confirmed, f"{ANA.first}'s reply C is{'' if confirmed else ' not'} on the hearing.")
    yield _check_mail(ledger, mails, result)


def check_calendar(calls: Calls, result: StoryResult) -> Check:
    expected = list_expected(result.story, result.times, result.until)
    reminders = sum(one.is_reminder for one in expected)
    others = len(expected) - reminders
    counts = f"By a calendar of its own, {reminders} reminders and {others} texts of tasks were due"
    if found := find_differences(expected, calls):
        return Check(False, f"{counts}; but {'; '.join(found[:5])}.")
    return Check(
        True, f"{counts}: the very same went, once each, in these words, none before its time."
    )


def check_first_time(calls: Calls, result: StoryResult) -> Check:
    """Its reminder would have gone during the story, if the hearing had not moved."""
    story = result.story
    due = reckon_first_due(story)
    wrong = set(list_names_of_first_time(story))
    found = [name for call in calls if (name := str(call["callback"]["message_id"])[:18]) in wrong]
    what = f"{write_clock(story.first_time, story.zone)}, the hearing's first time"
    if found:
        return Check(False, f"{len(found)} texts named {what}: {', '.join(found[:5])}.")
    return Check(
        result.moved_at < due < result.until,
        f"No texts named {what}: their turn was {due:%H:%M:%S} UTC, and it had moved at"
        f" {result.moved_at:%H:%M:%S}.",
    )


def _check_approval(ledger: Ledger, calls: Calls, result: StoryResult) -> Check:
    """Nothing went before somebody had seen and approved it."""
    name = name_task(result.story, GRACE)
    sql = "SELECT json FROM approval_log WHERE message_id = ? AND tenant = ?"
    answers = [json.loads(row["json"]) for row in ledger.rows(sql, name, result.story.tenant)]
    approved = [parse_time(one["at"]) for one in answers if one["applied"] and one["by"] == ACTOR]
    went = [
        datetime.fromisoformat(call["at"])
        for call in calls
        if call["callback"]["message_id"] == name
    ]
    is_right = bool(approved and went) and min(approved) < min(went)
    return Check(
        is_right,
        f"The task's text that {ACTOR} approved ({name}) went out"
        f" {'after that' if is_right else 'without it, or never'}.",
    )


def _check_mail(ledger: Ledger, mails: MailStore | None, result: StoryResult) -> Check:
    """One mail about the question, to the case's own address."""
    about = find_mails(ledger, result.story, LUIS, QUESTION)
    to = [one.to for one in about]
    caught = None if mails is None else sum(count_caught(one, mails) for one in about)
    says = f"{LUIS.first}'s question was mailed to {', '.join(to) or 'nobody'}"
    says += "" if caught is None else f"; mails of it that were caught: {caught}"
    return Check(to == [MAIL_TO] and caught in (None, 1), f"{says}.")
