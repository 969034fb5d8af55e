"""Texts by hand that are withdrawn, or go by themselves, on the real broker, while the gate's worker
is killed in between."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.consent import ConsentEvent
from schemas.decision import Decision
from schemas.person import NumberChange, PersonEvent, PersonRequest
from schemas.topics import CONSENT_EVENTS, PERSON_EVENTS, PERSON_REQUESTS
from services.ledger import Ledger
from services.ledger.ledger import FILE
from tests.e2e import running_stack, witness
from tests.e2e.test_approvals import sayso

pytestmark = pytest.mark.broker

FIRST, SECOND, THIRD, FOURTH = running_stack.NUMBERS[:4]
LONG = "300"
"""Seconds: nobody waits for it here."""


async def until(
    state: Path, message_id: str, happened: Callable[[Decision], bool]
) -> list[Decision]:
    """All decisions on the message, once the last one is so."""
    ledger = Ledger.open(state / FILE)
    try:
        async with asyncio.timeout(60):
            while True:
                sql = "SELECT json FROM decisions WHERE message_id = ? ORDER BY seq"
                rows = ledger.rows(sql, message_id)
                found = [Decision.model_validate_json(row["json"]) for row in rows]
                if found and happened(found[-1]):
                    return found
                await asyncio.sleep(0.1)
    finally:
        ledger.close()


def is_held(decision: Decision) -> bool:
    return any(one.rule == "undo" for one in decision.findings)


async def say_no_while_the_gate_hangs(running: running_stack.RunningStack, state: Path) -> None:
    """The consent is withdrawn before the text's time; the gate hangs until after it, so that its
    timer is due before it has fetched the withdrawal."""
    words = ["--to", FOURTH, "--body", "Text n1", "--message-id", "n1", "--by", "dana"]
    said = await sayso(state, "send", "-t", running_stack.TENANT, *words, "--undo-for", "5")
    assert said.code == 0, said.err
    *_, held = await until(state, "n1", is_held)
    pid = running.pid("gate")
    assert pid is not None
    assert held.until is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        no = ConsentEvent(
            event_id="no-1",
            tenant=running_stack.TENANT,
            number=FOURTH,
            action="opt_out",
            source="staff",
            actor="dana",
            at=datetime.now(UTC),
        )
        await running.publisher.publish(CONSENT_EVENTS, no)
        assert datetime.now(UTC) < held.until, "the machine is too slow for this test"
        await asyncio.sleep((held.until - datetime.now(UTC)).total_seconds() + 0.5)
    finally:
        os.kill(pid, signal.SIGCONT)
    *_, last = await until(state, "n1", lambda last: not is_held(last))
    assert last.verdict == "reject"
    assert "opted_out" in {one.rule for one in last.findings}


@pytest.mark.timeout(300)
async def test_texts_are_withdrawn_or_go_by_themselves_also_after_a_kill(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_BOOTSTRAP", fresh_cluster)
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.opt_in([FIRST, SECOND, THIRD, FOURTH])
        jo = PersonEvent(
            event_id="jo-1",
            tenant=running_stack.TENANT,
            person_id="jo",
            action="upsert",
            name="Jo Bell",
            numbers=(NumberChange(number=THIRD, primary=True),),
            at=datetime.now(UTC),
        )
        await running.publisher.publish(PERSON_EVENTS, jo)
        for name, number, seconds in (("w1", FIRST, LONG), ("g1", SECOND, "5")):
            words = ["--to", number, "--body", f"Text {name}", "--message-id", name, "--by", "dana"]
            said = await sayso(
                tmp_path, "send", "-t", running_stack.TENANT, *words, "--undo-for", seconds
            )
            assert said.code == 0, said.err
        await running.publisher.publish(
            PERSON_REQUESTS,
            PersonRequest(
                message_id="w2",
                tenant=running_stack.TENANT,
                person_id="jo",
                body="Text w2",
                kind="direct",
                requested_at=datetime.now(UTC),
                written_by="dana",
                undo_seconds=int(LONG),
            ),
        )
        for name in ("w1", "w2"):
            await until(tmp_path, name, is_held)
        await running.kill("gate")
        for name in ("w1", "w2"):
            said = await sayso(tmp_path, "cancel", name, "--by", "dana", "--json")
            assert (said.code, said.data["result"]) == (0, "withdrawn"), said.out
        gone = await until(tmp_path, "g1", lambda last: last.verdict == "send")
        await say_no_while_the_gate_hangs(running, tmp_path)
        first = gone[0]
        assert is_held(first)
        assert first.until is not None
        assert gone[-1].decided_at >= first.until
        said = await sayso(tmp_path, "explain", "w1", "--unmask")
        assert "withdrawn: It was withdrawn by dana" in said.out
        async with asyncio.timeout(30):
            while not witness.provider(running.journal)[0]:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.1)
        taken, _ = witness.provider(running.journal)
        assert dict(taken) == {"g1": 1}
