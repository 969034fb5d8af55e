"""Play the law-office story on the running stack, next to the rest of the demo."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from schemas.case import Case, CaseText, TextState
from schemas.thread import MailRequest, Thread
from schemas.topics import APPROVALS, CASE_EVENTS
from services.kafka.publisher import Publisher
from services.ledger import Ledger
from services.ledger.cases import find_cases, list_case_texts
from services.ledger.mailbox import MailboxFilter, find_messages
from services.ledger.threads import find_reply, find_threads
from services.local.demo.case_calendar import (
    Time,
    list_due,
    list_names,
    name_reminder,
    name_task,
)
from services.local.demo.cast import ANA, CAST, GRACE, LUIS, QUESTION, Member
from services.local.demo.staff import ACTOR
from services.local.demo.story import HEARING, NEW_REMINDER, OLD_REMINDER, Story, open_cases
from services.local.demo.story import save_hearing as build_move
from services.local.mail_catcher.store import MailStore
from services.notify.reply_mail import build_message_id
from services.operations.approvals import build_approvals, read_waiting_text
from streams.mailboxes import Box

MOVE_AT_LATEST: Final = OLD_REMINDER / 2
"""After the beginning: the hearing moves then, also where nobody has seen its first time yet."""
PAUSE: Final = 0.25
"""Seconds between looks."""


class StoryResult(NamedTuple):
    story: Story
    moved_at: datetime
    until: datetime
    """When it was over."""
    settled: bool
    """Whether all came to its end in time."""

    @property
    def times(self) -> tuple[Time, Time]:
        """Of the hearing."""
        first = Time(self.story.first_time, self.story.begins)
        return first, Time(self.story.new_time, self.moved_at)

    @property
    def identities(self) -> set[str]:
        """Ids of all texts that the cases request, also for those who get none."""
        return set(list_names(self.story, self.times, self.until))


async def play(
    story: Story,
    publisher: Publisher,
    ledger: Ledger,
    mails: MailStore | None,
    patience: float,
) -> StoryResult:
    """`story` begins now.  `mails`: where those to staff are caught, if they are."""
    deadline = time.monotonic() + patience
    await publisher.publish_all(CASE_EVENTS, open_cases(story))
    await _wait(lambda: _is_planned(ledger, story), MOVE_AT_LATEST.total_seconds())
    moved_at = datetime.now(UTC)
    await publisher.publish(CASE_EVENTS, build_move(story, story.new_time, moved_at))
    is_approved = await _approve(story, publisher, ledger, deadline - time.monotonic())
    ends = story.begins + NEW_REMINDER
    await asyncio.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()))
    result = StoryResult(story, moved_at, datetime.now(UTC), settled=False)
    has_ended = await _wait(lambda: _has_ended(ledger, mails, result), deadline - time.monotonic())
    return result._replace(until=datetime.now(UTC), settled=is_approved and has_ended)


async def _approve(story: Story, publisher: Publisher, ledger: Ledger, patience: float) -> bool:
    """The task's text, as soon as it waits for that; by the words that were seen."""
    wanted = MailboxFilter(story.tenant, ids=(name_task(story, GRACE),))

    async def approve() -> bool:
        for item in find_messages(ledger, wanted, datetime.now(UTC)):
            if item.box is Box.READY and item.number:
                text = read_waiting_text(ledger, item)
                approvals = build_approvals("approve", [text.seen], ACTOR, datetime.now(UTC))
                await publisher.publish_all(APPROVALS, approvals)
                return True
        return False

    deadline = time.monotonic() + patience
    while not await approve():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(PAUSE)
    return True


def find_case(ledger: Ledger, story: Story, case_id: str) -> Case | None:
    return next(iter(find_cases(ledger, case_id, story.tenant)), None)


def _is_planned(ledger: Ledger, story: Story) -> bool:
    """Whether the reminder of the hearing's first time is in sight."""
    case = find_case(ledger, story, story.joint_case)
    return case is not None and any(
        event.starts_at == story.first_time and event.next_reminder_at for event in case.events
    )


def find_thread(ledger: Ledger, story: Story, member: Member) -> Thread | None:
    return next(iter(find_threads(ledger, member.number, story.tenant)), None)


def has_confirmed(ledger: Ledger, story: Story, member: Member) -> bool:
    case = find_case(ledger, story, story.joint_case)
    return case is not None and any(
        one.person_id == story.person_id(member)
        for event in case.events
        if event.event_id == HEARING and event.starts_at == story.new_time
        for one in event.confirmed
    )


def find_mails(ledger: Ledger, story: Story, member: Member, reply: str) -> list[MailRequest]:
    """Those about a text of these words, which the mail itself does not have."""
    sql = "SELECT json FROM mail_requests WHERE number = ? AND tenant = ? ORDER BY part, off"
    found = []
    for row in ledger.rows(sql, member.number, story.tenant):
        mail = MailRequest.model_validate_json(row["json"])
        about = find_reply(ledger, story.tenant, mail.number, mail.inbound_id)
        if about is not None and about.body == reply:
            found.append(mail)
    return found


def count_caught(mail: MailRequest, mails: MailStore) -> int:
    """How often the catcher has it."""
    wanted = build_message_id(mail.tenant, mail.mail_id)
    return sum(one.message["Message-ID"] == wanted for one in mails.list_newest())


def _is_caught(mail: MailRequest, mails: MailStore | None) -> bool:
    return mails is None or count_caught(mail, mails) > 0


def list_texts(ledger: Ledger, story: Story) -> dict[str, CaseText]:
    """Of both cases, by id."""
    cases = (story.joint_case, story.own_case)
    return {
        text.text_id: text
        for case_id in cases
        for text in list_case_texts(ledger, story.tenant, case_id)
    }


def _has_ended(ledger: Ledger, mails: MailStore | None, result: StoryResult) -> bool:
    """Everybody has what they get, and said what they say."""
    story = result.story
    texts = list_texts(ledger, story)
    arrived = {name for name, text in texts.items() if text.state == TextState.ARRIVED}
    reminders = {
        name_reminder(story, due, member)
        for due in list_due(result.times, story.zone, result.until)
        for member in (ANA, LUIS)
    }
    tasks = {name_task(story, member) for member in CAST if member in (ANA, LUIS, GRACE)}
    thread = find_thread(ledger, story, LUIS)
    return (
        reminders | tasks <= arrived
        and result.identities <= texts.keys()
        and has_confirmed(ledger, story, ANA)
        and thread is not None
        and thread.waiting_since is not None
        and any(_is_caught(one, mails) for one in find_mails(ledger, story, LUIS, QUESTION))
    )


async def _wait(condition: Callable[[], bool], patience: float) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(PAUSE)
    return True
