"""A law office in the ledger: a joint case, its people, and a session that keeps what is
published."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.case import Case, CaseText
from schemas.consent import ConsentStatus
from schemas.person import Person, PersonNumber
from schemas.recipe import TemplateVersion
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    CASE_EVENTS,
    CASE_TEXTS,
    CASES,
    CONSENT_STATUS,
    PEOPLE,
    SETTINGS,
    Topic,
)
from services.ledger.ledger import FILE
from services.operations import tenants
from tests.adapters.ledger_filler import LedgerFiller

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
MARIA, LUIS = "+14155550101", "+14155550102"
Published = list[tuple[str, Any]]


class Office(LedgerFiller):
    """`published`: what commands have sent, topic by topic."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.published: Published = []

    def settle(self, **changed: Any) -> None:
        known = {
            "tenant": "harbor",
            "name": "Harbor Law",
            "sender": "72975",
            "templates": {"hearing": {"texts": {"en": "Hearing {{ event.date }}."}}},
            "recipes": {
                "day-before": {
                    "event_type": "hearing",
                    "offset": "1 day before",
                    "template": "hearing",
                    "roles": ["client"],
                }
            },
        }
        self.add(SETTINGS, TenantSettings.model_validate(known | changed))

    def meet(self, person_id: str, name: str, *numbers: str, **changed: Any) -> None:
        known = {
            "tenant": "harbor",
            "person_id": person_id,
            "name": name,
            "first_name": name.partition(" ")[0],
            "numbers": [
                PersonNumber(number=number, sms_enabled=True, primary=n == 0)
                for n, number in enumerate(numbers)
            ],
            "at": NOW,
        }
        self.add(PEOPLE, Person.model_validate(known | changed))

    def consent(self, number: str, state: str, **changed: Any) -> None:
        known = {
            "tenant": "harbor",
            "number": number,
            "state": state,
            "consent_epoch": 1,
            "since": NOW,
            "source": "form",
        }
        self.add(CONSENT_STATUS, ConsentStatus.model_validate(known | changed))

    def say(self, **event: Any) -> None:
        known = {"tenant": "harbor", "case_id": "8841", "at": NOW.isoformat(), "by": "dana"}
        self.add(CASE_EVENTS, known | event)

    def case(self, **changed: Any) -> None:
        """A joint case with a hearing in two days."""
        known = {
            "tenant": "harbor",
            "case_id": "8841",
            "title": "In re Rivera",
            "time_zone": "America/New_York",
            "launched_at": NOW - DAY,
            "parties": [
                {"person_id": "maria", "role": "client", "name": "Maria Rivera", "number": MARIA},
                {"person_id": "luis", "role": "client", "name": "Luis Rivera", "number": LUIS},
            ],
            "tasks": [
                {
                    "task_id": "docs",
                    "template": "hearing",
                    "roles": ["client"],
                    "when": {"now": True},
                    "kind": "transactional",
                }
            ],
            "events": [
                {
                    "event_id": "hearing-1",
                    "title": "hearing",
                    "event_type": "hearing",
                    "starts_at": f"{NOW + 2 * DAY:%Y-%m-%dT%H:%M}",
                    "time_zone": "America/New_York",
                    "at": NOW + 2 * DAY,
                    "sequence": 3,
                    "next_reminder_at": NOW + DAY,
                }
            ],
            "version": 7,
            "at": NOW,
        }
        self.add(CASES, Case.model_validate(known | changed))

    def text(self, text_id: str, person_id: str, state: str, **changed: Any) -> None:
        known = {
            "tenant": "harbor",
            "case_id": "8841",
            "text_id": text_id,
            "message_id": text_id,
            "person_id": person_id,
            "state": state,
            "version": 1,
            "at": NOW,
        }
        self.add(CASE_TEXTS, CaseText.model_validate(known | changed))

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What commands have published, as JSON says it."""
        return [one.model_dump(mode="json", exclude_none=True) for _, one in self.published]


class KeepingSession:
    """Instead of Kafka."""

    def __init__(self, published: Published, tenant: str) -> None:
        self._published = published
        self._tenant = tenant

    bootstrap = "nowhere:9"

    async def require_topic(self, topic: Topic[Any]) -> None:
        """It has all."""

    async def require_tenants(self, *tenants: str) -> None:
        assert set(tenants) == {self._tenant}

    async def publish(self, topic: Topic[Any], messages: Sequence[Any]) -> None:
        for message in messages:
            assert topic.decode(topic.encode(message)) == message
            self._published.append((topic.name, message))


def open_office(folder: Path, monkeypatch: pytest.MonkeyPatch, tenant: str = "harbor") -> Office:
    """Commands read its ledger and publish into its list."""
    office = Office(folder / FILE)
    monkeypatch.setenv("SAYSO_STATE", str(folder))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)

    def operate(
        _bootstrap: str, operation: Callable[[Any], Coroutine[Any, Any, Any]], waiting: str = ""
    ) -> Any:
        coroutine = operation(KeepingSession(office.published, tenant))
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits for something")

    for module in ("case_changes", "case_import", "people_changes", "resend", "tenants", "thread"):
        monkeypatch.setattr(f"services.cli.{module}.operate", operate, raising=False)
        monkeypatch.setattr(
            f"services.cli.{module}.find_bootstrap", lambda *_: "nowhere:9", raising=False
        )

    async def read_published(_bootstrap: str) -> tenants.Published:
        """As it would be on Kafka: what commands have published, and nothing older."""
        messages = [message for _, message in office.published]
        return tenants.Published(
            {one.tenant: (one, NOW) for one in messages if isinstance(one, TenantSettings)},
            {
                (one.tenant, one.name): one.version
                for one in messages
                if isinstance(one, TemplateVersion)
            },
        )

    monkeypatch.setattr("services.operations.tenants.read_published", read_published)
    return office
