"""A case of a law firm with everything around it; a test says what is different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from pydantic import TypeAdapter

from schemas.case import (
    Case,
    CaseAnswer,
    CasePerson,
    CaseText,
)
from schemas.case_event import CaseEvent
from schemas.person import PersonRequest
from schemas.tenant_settings import TenantSettings
from schemas.topics import CASES
from streams.cases import cases, cases_on_timer
from streams.lifecycle import State
from streams.processing import Settings, StepResult, build_settings
from tests.core.harness import ProcessorHarness

ANA, LUIS, ROSA = "ana", "luis", "rosa"
ANAS, LUISES, ROSAS = "+12125550142", "+12125550143", "+12125550144"
NY = "America/New_York"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 10, 1, 15, tzinfo=UTC)
"""A Thursday, 11:00 in New York."""

_ids = count(1)
_read = TypeAdapter[Any](CaseEvent)


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


def settings(**changes: Any) -> Settings:
    tenant = {"tenant": "acme", "name": "Acme Law", "sender": "24273"} | changes
    return build_settings({"acme": TenantSettings.model_validate(tenant)}, {})


def change(kind: str, /, *, at: datetime = NOW, **fields: Any) -> Any:
    said = {"tenant": "acme", "case_id": "c1", "change_id": f"x{next(_ids):06}", "by": "crm"}
    return _read.validate_python({**said, "type": kind, "at": at, **fields})


class CaseHarness(ProcessorHarness):
    """A case under test.  `do` is a change that is decided now."""

    def __init__(self, *, now: datetime = NOW, settings: Settings, key: str = "acme/c1") -> None:
        super().__init__(cases, cases_on_timer, key, settings, now=now)
        self._versions = count(1)

    def do(self, kind: str, /, **fields: Any) -> StepResult:
        return self.feed(change(kind, **{"at": self.now, **fields}))

    def open(self, **fields: Any) -> StepResult:
        return self.do("case_opened", **{"title": "In re Rivera", "time_zone": NY, **fields})

    def person(self, person_id: str, *numbers: str | dict[str, Any], **fields: Any) -> StepResult:
        """People answer the link, or the person has changed."""
        return self.feed(person_record(person_id, *numbers, version=next(self._versions), **fields))

    def add(self, person_id: str, *numbers: str, role: str = "client", **fields: Any) -> None:
        """A party, and their record."""
        named = {name: fields.pop(name) for name in ("number", "at") if name in fields}
        self.do("party_added", person_id=person_id, role=role, **named)
        self.person(person_id, *numbers, **fields)

    def take(self, kind: type[Any]) -> list[Any]:
        """What was published of this kind since it was last taken."""
        found = [value for _, value in self.published if isinstance(value, kind)]
        self.published = [one for one in self.published if not isinstance(one.value, kind)]
        return found

    @property
    def case(self) -> Case:
        """As last published."""
        found = [value for topic, value in self.published if topic is CASES]
        assert found, "no case was published"
        return found[-1]

    def report(
        self, request: PersonRequest, state: str, *, confirmed: bool = True, **fields: Any
    ) -> StepResult:
        """What outcomes tells of a request; people confirms what the case has taken back."""
        reported = self.feed(self._answer(request, state, **fields))
        if state != State.CANCELED or not confirmed:
            return reported
        confirmed = self.feed(self._answer(request, state, confirms_cancel=True))
        return StepResult.merge(reported, confirmed)

    def _answer(self, request: PersonRequest, state: str, **fields: Any) -> CaseAnswer:
        said = {
            "tenant": "acme",
            "case_id": request.case_id,
            "request_id": request.message_id,
            "message_id": request.message_id,
            "state": state,
            "final": False,
            "version": next(self._versions),
            "at": self.now,
        }
        return CaseAnswer.model_validate({**said, **fields})

    def requests_until(self, written: str) -> list[PersonRequest]:
        """The clock goes on to that time, in UTC."""
        self.run_until(utc(written))
        return self.take(PersonRequest)

    def states(self) -> list[tuple[str, str | None]]:
        """What the log has said since it was last taken."""
        return [(one.state, one.reason) for one in self.take(CaseText)]

    def hearing(self, starts_at: str = "2026-11-02T09:00", **fields: Any) -> StepResult:
        said = {"event_id": "h", "title": "Hearing", "event_type": "hearing", **fields}
        return self.do("event_saved", starts_at=starts_at, **said)


def person_record(
    person_id: str, *numbers: str | dict[str, Any], version: int = 1, **fields: Any
) -> CasePerson:
    name = fields.pop("name", person_id.capitalize())
    said = [
        {"number": one, "type": "mobile", "sms_enabled": True} if isinstance(one, str) else one
        for one in numbers
    ]
    return CasePerson.model_validate(
        {
            "tenant": "acme",
            "case_id": "c1",
            "person_id": person_id,
            "name": name,
            "first_name": name,
            "numbers": said,
            "version": version,
            "at": NOW,
            **fields,
        }
    )


def build_case(*, now: datetime = NOW, key: str = "acme/c1", **policy: Any) -> CaseHarness:
    return CaseHarness(now=now, settings=settings(**policy), key=key)


def recipe(offset: str, **fields: Any) -> dict[str, Any]:
    return {"event_type": "hearing", "offset": offset, "template": "soon", **fields}


def template(*texts: str, **by_language: str) -> dict[str, Any]:
    return {"texts": {**({"en": texts[0]} if texts else {}), **by_language}}


SOON = "{{ person.first }}: {{ event.title }} {{ event.relative_day }} at {{ event.time }}."
"""Its words turn false at midnight."""
ON_DAY = "{{ person.first }}: {{ event.title }} on {{ event.date }} at {{ event.time }}."


def reminding(words: str = ON_DAY, *, now: datetime = NOW, **recipes: Any) -> CaseHarness:
    """A case with one client and recipes for hearings, by name: an offset or a recipe."""
    read = {
        name.replace("_", "-"): recipe(one) if isinstance(one, str) else one
        for name, one in recipes.items()
    }
    case = build_case(now=now, recipes=read, templates={"soon": template(words)})
    case.open()
    case.add(ANA, ANAS)
    return case
