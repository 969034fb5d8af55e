"""Staff at the command line, on the real broker: see, approve, reject, come too late, mend what
failed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from schemas.consent import ConsentEvent
from schemas.person import NumberChange, PersonEvent
from schemas.send_request import SendRequest
from schemas.topics import CONSENT_EVENTS, PERSON_EVENTS, SEND_REQUESTS
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.mailbox import MailboxFilter, MailboxItem, list_mailbox
from streams.mailboxes import Box
from tests.e2e import running_stack, witness

pytestmark = pytest.mark.broker

AGREED, STOPS, WRONG, RIGHT = running_stack.NUMBERS[:4]


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


async def until(
    state: Path, box: Box, happened: Callable[[dict[str, MailboxItem]], bool]
) -> dict[str, MailboxItem]:
    """The messages in a box, by id, once it is so."""
    ledger = Ledger.open(state / FILE)
    try:
        async with asyncio.timeout(60):
            while True:
                found = {
                    one.message_id: one
                    for one in list_mailbox(ledger, box, MailboxFilter(), datetime.now(UTC))
                }
                if happened(found):
                    return found
                await asyncio.sleep(0.1)
    finally:
        ledger.close()


async def sayso(state: Path, *words: str) -> Said:
    told = {**os.environ, "SAYSO_STATE": str(state), "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *words,
        env=told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


def asked(name: str, number: str, **more: Any) -> SendRequest:
    said = {
        "message_id": name,
        "tenant": running_stack.TENANT,
        "to": number,
        "body": f"Text {name}",
        "kind": "reminder",
        "branch": "appeals",
        "requested_at": datetime.now(UTC),
    }
    return SendRequest.model_validate(said | more)


@pytest.mark.timeout(180)
async def test_staff_see_approve_reject_come_too_late_and_mend(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_BOOTSTRAP", fresh_cluster)

    script = {"numbers": {WRONG: "undelivered:30005"}}
    async with running_stack.start_stack(tmp_path, fresh_cluster, script) as running:
        await running.opt_in([AGREED, STOPS, WRONG, RIGHT])
        await running.publisher.publish(
            PERSON_EVENTS,
            PersonEvent(
                event_id="jo-1",
                tenant=running_stack.TENANT,
                person_id="jo",
                action="upsert",
                name="Jo Bell",
                numbers=(NumberChange(number=WRONG, primary=True),),
                at=datetime.now(UTC),
            ),
        )
        whose = {"a1": AGREED, "a2": AGREED, "a3": STOPS, "a4": AGREED}
        texts = [asked(name, number) for name, number in whose.items()]
        lost = asked("lost", WRONG, branch="court", person_id="jo")
        abroad = asked("abroad", "+442079460000", branch="court")
        await running.publisher.publish_all(SEND_REQUESTS, [*texts, lost, abroad])

        await until(tmp_path, Box.READY, lambda found: found.keys() == whose.keys())
        ready = await sayso(tmp_path, "box", "ready", "--json")
        assert {one["message_id"]: one["text"] for one in ready.data} == {
            name: f"Text {name}" for name in whose
        }
        assert AGREED not in ready.out
        first = await sayso(tmp_path, "approve", "a1", "--by", "dana", "--json")
        assert (first.code, first.data[0]["verdict"]) == (0, "send"), first
        again = await sayso(tmp_path, "approve", "a1", "--by", "eve")
        assert (again.code, "approved by dana" in again.err) == (1, True), again
        assert (await sayso(tmp_path, "reject", "a2", "--by", "dana")).code == 0
        await running.publisher.publish(
            CONSENT_EVENTS,
            ConsentEvent(
                event_id="no",
                tenant=running_stack.TENANT,
                number=STOPS,
                action="opt_out",
                source="form",
                at=datetime.now(UTC),
            ),
        )
        await until(
            tmp_path, Box.OUTBOX, lambda found: "a3" in found and found["a3"].state == "rejected"
        )
        late = await sayso(tmp_path, "approve", "a3", "--by", "dana", "--json")
        assert (late.code, late.data[0]["rule"]) == (1, "opted_out"), late
        every = await sayso(
            tmp_path, "approve", "--branch", "appeals", "--yes", "--by", "dana", "--json"
        )
        assert [one["message_id"] for one in every.data] == ["a4"]

        await until(
            tmp_path, Box.SENTBOX, lambda found: "lost" in found and found["lost"].attention
        )
        resent = await sayso(
            tmp_path, "resend", "lost", "--number", RIGHT, "--by", "dana", "--json"
        )
        assert resent.data["record_corrected"], resent
        twice = await sayso(tmp_path, "resend", "lost", "--by", "eve")
        assert (twice.code, resent.data["message_id"] in twice.err) == (1, True), twice
        assert (await sayso(tmp_path, "dismiss", "abroad")).code == 0
        assert (await sayso(tmp_path, "test", "jo", "--by", "dana")).code == 0
        sent = await until(tmp_path, Box.SENTBOX, lambda found: len(found) >= 5 and _at_rest(found))
        outbox = await until(tmp_path, Box.OUTBOX, lambda found: True)
        taken, _ = witness.provider(running.journal)

    assert {
        name: one.state.value
        for name, one in sent.items()
        if not name.startswith(("test-", "stop-"))
    } == {
        "a1": "delivered",
        "a4": "delivered",
        "lost": "undelivered",
        resent.data["message_id"]: "delivered",
    }
    (test,) = (one for name, one in sent.items() if name.startswith("test-"))
    assert (test.outcome["kind"], test.state, test.number) == ("test", "delivered", RIGHT)
    assert set(outbox) == {"a3"}, "what was rejected, or dismissed, is no longer there"
    assert {taken[name] for name in ("a1", "a4", "lost", resent.data["message_id"])} == {1}
    assert (taken["a2"], taken["a3"]) == (0, 0)


def _at_rest(found: dict[str, MailboxItem]) -> bool:
    return {one.state.value for one in found.values()} <= {"delivered", "undelivered"}
