"""A tenant with two branches, something of each kind in both, and the addresses of all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schemas.consent import ConsentStatus
from schemas.decision import Decision
from schemas.inbound import Reply
from schemas.outcome import Outcome
from schemas.send_request import SendRequest
from schemas.thread import Thread
from schemas.topics import CONSENT_STATUS, DECISIONS, OUTCOMES, REPLIES, SEND_REQUESTS, THREADS
from services.ledger.ledger import FILE
from tests.console.harness import Harness, console_on
from tests.console.people_ledger import ANA, MARTA, NOW, PeopleLedger

TENANT = "harbor"
COURT, INTAKE = "court", "intake"
SECRETS = ("Marta", MARTA, "8842", "Words of intake", "m-intake", "marta")
"""What nobody of the branch `court` may read on any page."""
PERSON = {COURT: "ana", INTAKE: "marta"}
NUMBER = {COURT: ANA, INTAKE: MARTA}
CASE = {COURT: "8841", INTAKE: "8842"}


class TwoBranches(PeopleLedger):
    def text(self, branch: str) -> None:  # type: ignore[override]  # a text, not one of a case
        """Asked for, held for approval, with a conversation that waits for an answer."""
        name, number = f"m-{branch}", NUMBER[branch]
        asked = {
            "message_id": name,
            "tenant": TENANT,
            "kind": "reminder",
            "branch": branch,
            "case_id": CASE[branch],
            "person_id": PERSON[branch],
            "requested_at": NOW,
        }
        body = f"Words of {branch}"
        self.add(SEND_REQUESTS, SendRequest.model_validate(asked | {"to": number, "body": body}))
        finding = {"rule": "awaiting_approval", "verdict": "hold", "reason": "It waits"}
        decided = {
            "verdict": "hold",
            "findings": [finding | {"next_step": "approve"}],
            "decided_at": NOW,
            "policy_version": "1",
            "to": number,
            "consent_epoch": 0,
            "evidence": {},
        }
        self.add(DECISIONS, Decision.model_validate(decided | asked))
        became = {"to": number, "state": "held", "final": False, "version": 1, "at": NOW}
        self.add(OUTCOMES, Outcome.model_validate(became | asked))

    def talk(self, branch: str) -> None:
        """They wrote, nobody has answered, and what they wrote may be a STOP."""
        number, inbound_id = NUMBER[branch], f"in-{branch}"
        wrote: dict[str, Any] = {
            "tenant": TENANT,
            "number": number,
            "sender": "72975",
            "provider_id": inbound_id,
            "body": f"Words of {branch}",
            "received_at": NOW,
            "evidence": {"topic": "sms.inbound", "partition": 1, "offset": 42},
        }
        self.add(REPLIES, Reply.model_validate(wrote))
        stands: dict[str, Any] = {
            "tenant": TENANT,
            "number": number,
            "waiting_since": NOW,
            "waiting_texts": 1,
            "cases": [CASE[branch]],
            "person_ids": [PERSON[branch]],
            "last_inbound": {
                "inbound_id": inbound_id,
                "case_id": CASE[branch],
                "use": "waits",
                "at": NOW,
            },
            "version": 1,
            "at": NOW,
        }
        self.add(THREADS, Thread.model_validate(stands))
        question = {"since": NOW, "opt_out_at": NOW, "event_id": f"q-{branch}", "read_by": "model"}
        status = {
            "tenant": TENANT,
            "number": number,
            "state": "opted_in",
            "consent_epoch": 1,
            "since": NOW,
            "source": "inbound",
            "in_question": question,
        }
        self.add(CONSENT_STATUS, ConsentStatus.model_validate(status))


@contextmanager
def two_branches(state: Path) -> Iterator[Harness]:
    office = TwoBranches(state / FILE)
    office.settle(branches={COURT: {}, INTAKE: {}})
    office.add_person("ana", "Ana Rivera", ANA)
    office.add_person("marta", "Marta Stone", MARTA)
    office.log_start(ANA)
    for branch in (COURT, INTAKE):
        office.join(CASE[branch], branch, PERSON[branch])
        office.text(branch)
        office.talk(branch)
    office.ledger.close()
    with console_on(state, NOW) as found:
        yield found


def address(house: Harness, path: str, branch: str, tenant: str = TENANT) -> str:
    """Of a route, with the identities of what that branch has."""
    given = {
        "tenant": tenant,
        "case_id": CASE[branch],
        "event_id": "new",
        "form": "csv",
        "key": "none",
        "message_id": f"m-{branch}",
        "person_id": PERSON[branch],
        "task_id": "docs",
        "token": house.app.state.tokens.write(TENANT, NUMBER[branch]),
    }
    return path.format_map(_Default(given))


class _Default(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1"
