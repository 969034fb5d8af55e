"""The law-office story as a plan: two cases, and what happens in them when.

Two joint debtors have a hearing today, which is moved to tomorrow before anybody was reminded.  Two
other parties say STOP, or nothing, and one has no mobile.  In a second case somebody approves the
text of a task.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.case_event import (
    Audience,
    CaseOpened,
    CaseSettings,
    EventSaved,
    Launched,
    PartyAdded,
    TaskScheduled,
)
from schemas.person import NumberChange, PersonAction, PersonEvent
from services.local.demo.cast import CAST, CLIENT, PARTY, Member

HOURS_BEFORE: Final = timedelta(hours=2)
"""As in the sample's recipe `hearing-hours-before`."""
OLD_REMINDER: Final = timedelta(seconds=10)
"""So long after the beginning the reminder of the first time would go."""
NEW_REMINDER: Final = timedelta(seconds=13)
"""So long after the beginning the reminder of the new time goes."""
MAIL_TO: Final = "rivera-team@harbor.example"
"""The joint case's own address."""
TASK: Final = "bring-documents"
"""A task, and the template that it uses."""
NOTICE: Final = "brief-filed"
"""The task whose text somebody approves."""
NOTICE_WORDS: Final = "{{ person.first }}, your brief is filed. The court answers within 30 days."
HEARING: Final = "hearing"
PLACE: Final = "courtroom 4"
BY: Final = "demo"


class Story(NamedTuple):
    """`begins`, and all that follows from it."""

    tenant: str
    prefix: str
    zone: str
    branch: str
    """Somebody approves each of its texts."""
    begins: datetime

    @property
    def joint_case(self) -> str:
        return f"{self.prefix}-rivera"

    @property
    def own_case(self) -> str:
        return f"{self.prefix}-okafor"

    @property
    def first_time(self) -> str:
        """The hearing's: today, as an instant."""
        at = self.begins + OLD_REMINDER + HOURS_BEFORE
        return at.astimezone(ZoneInfo(self.zone)).isoformat(timespec="seconds")

    @property
    def new_time(self) -> str:
        """Tomorrow, as a clock at its place shows it: at the time of day at which the reminder is
        due today."""
        local = (self.begins + NEW_REMINDER).astimezone(ZoneInfo(self.zone))
        return f"{local.date() + timedelta(days=1)}T{local:%H:%M:%S}"

    def person_id(self, member: Member) -> str:
        return f"{self.prefix}-{member.key}"

    def case_of(self, member: Member) -> str:
        return self.own_case if member.own_case else self.joint_case


def introduce(story: Story) -> Iterator[PersonEvent]:
    """Put everybody on record, as a producer does."""
    for member in CAST:
        number = NumberChange(number=member.number, type=member.number_type, primary=True)
        yield PersonEvent(
            event_id=f"{story.prefix}-met-{member.key}",
            tenant=story.tenant,
            person_id=story.person_id(member),
            action=PersonAction.UPSERT,
            name=member.name,
            first_name=member.first,
            language=member.language,
            numbers=(number,),
            at=story.begins,
        )


def open_cases(story: Story) -> list[Any]:
    """Case events: both cases with their parties and tasks, and the hearing at its first time."""
    joint, own = _Writer(story, story.joint_case), _Writer(story, story.own_case)
    texts = Audience(roles=(CLIENT, PARTY))
    return [
        joint.write(CaseOpened, title="Rivera joint filing", reference="26-10482"),
        joint.write(CaseSettings, notify_email=MAIL_TO),
        *_add_parties(story, joint),
        joint.write(TaskScheduled, task_id=TASK, template=TASK, audience=texts),
        save_hearing(story, story.first_time, story.begins),
        joint.write(Launched),
        own.write(CaseOpened, title="Okafor appeal", branch=story.branch),
        *_add_parties(story, own),
        own.write(
            TaskScheduled, task_id=NOTICE, body=NOTICE_WORDS, audience=Audience(roles=(CLIENT,))
        ),
        own.write(Launched),
    ]


def save_hearing(story: Story, starts_at: str, now: datetime) -> EventSaved:
    return EventSaved(
        tenant=story.tenant,
        case_id=story.joint_case,
        change_id=f"{story.prefix}-hearing-{'first' if starts_at == story.first_time else 'moved'}",
        at=now,
        by=BY,
        event_id=HEARING,
        title="hearing",
        event_type="hearing",
        starts_at=starts_at,
        time_zone=story.zone,
        location=PLACE,
    )


class _Writer:
    """Gives each change of a case its identity."""

    def __init__(self, story: Story, case_id: str) -> None:
        self._story = story
        self.case_id = case_id
        self._count = 0

    def write(self, kind: type[Any], **fields: Any) -> Any:
        self._count += 1
        return kind(
            tenant=self._story.tenant,
            case_id=self.case_id,
            change_id=f"{self.case_id}-{self._count}",
            at=self._story.begins,
            by=BY,
            **fields,
        )


def _add_parties(story: Story, writer: _Writer) -> Iterator[Any]:
    """Each tied to a number of their own; who has no mobile is tied to none."""
    for member in CAST:
        if story.case_of(member) == writer.case_id:
            yield writer.write(
                PartyAdded,
                person_id=story.person_id(member),
                role=member.role,
                number=member.mobile,
            )
