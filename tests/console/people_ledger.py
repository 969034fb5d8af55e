"""People of a law office in a ledger: one of each state of consent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.case import Case, CasePerson, Party
from schemas.consent import ConsentChange, ConsentStatus
from schemas.person import Person, PersonNumber
from schemas.topics import CASE_PEOPLE, CASES, CONSENT_LOG, CONSENT_STATUS, PEOPLE
from services.ledger.ledger import FILE
from tests.adapters.case_ledger import Office
from tests.console.harness import Harness, console_on

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
ANA, LUIS, MARTA, BEN = (f"+1212555010{n}" for n in range(1, 5))


class PeopleLedger(Office):
    def add_person(self, person_id: str, name: str, *numbers: str, on: bool = True) -> None:
        known = [
            PersonNumber(number=number, sms_enabled=on, primary=n == 0)
            for n, number in enumerate(numbers)
        ]
        person = Person(tenant="harbor", person_id=person_id, name=name, numbers=known, at=NOW)
        self.add(PEOPLE, person)

    def set_consent(self, number: str, state: str, asked: timedelta | None = None) -> None:
        self.add(
            CONSENT_STATUS,
            ConsentStatus(
                tenant="harbor",
                number=number,
                state=state,
                consent_epoch=1,
                since=NOW - timedelta(days=1),
                source="inbound",
                asked_at=NOW - asked if asked else None,
                ask_again_at=NOW - asked + timedelta(hours=24) if asked else None,
            ),
        )

    def log_start(self, number: str) -> None:
        self.add(
            CONSENT_LOG,
            ConsentChange(
                tenant="harbor",
                number=number,
                event_id="SM1",
                action="opt_in",
                source="inbound",
                was="pending",
                now="opted_in",
                applied=True,
                reason="opted in",
                consent_epoch=1,
                claimed_at=NOW,
                at=NOW,
                evidence={"text": "START", "topic": "sms.inbound", "partition": 3, "offset": 20},
                seq=1,
                previous="",
                hash="h",
            ),
        )

    def join(self, case_id: str, branch: str, *person_ids: str) -> None:
        self.add(
            CASES,
            Case(
                tenant="harbor",
                case_id=case_id,
                title=f"Case {case_id}",
                branch=branch,
                time_zone="America/New_York",
                parties=[Party(person_id=one, role="client") for one in person_ids],
                version=1,
                at=NOW,
            ),
        )
        for one in person_ids:
            told = CasePerson(tenant="harbor", case_id=case_id, person_id=one, version=1, at=NOW)
            self.add(CASE_PEOPLE, told)


@contextmanager
def people_console(state: Path) -> Iterator[Harness]:
    """Ana has opted in, Luis was asked two hours ago, Marta opted out, Ben was not asked, Walt has
    no number, and Zoe's is switched off. Ana and Luis
    are of the branch `court`, Marta is of `intake`."""
    office = PeopleLedger(state / FILE)
    office.settle(branches={"court": {}, "intake": {}})
    office.add_person("ana", "Ana Rivera", ANA)
    office.add_person("luis", "Luis Rivera", LUIS)
    office.add_person("marta", "Marta Stone", MARTA)
    office.add_person("ben", "Ben Okafor", BEN)
    office.add_person("walt", "Walt Stone")
    office.add_person("zoe", "Zoe Lind", "+12125550105", on=False)
    office.set_consent(ANA, "opted_in")
    office.set_consent(LUIS, "pending", asked=timedelta(hours=2))
    office.set_consent(MARTA, "opted_out")
    office.log_start(ANA)
    office.join("8841", "court", "ana", "luis")
    office.join("8842", "intake", "marta")
    office.ledger.close()
    with console_on(state, NOW) as found:
        yield found
