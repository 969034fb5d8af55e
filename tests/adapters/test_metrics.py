"""What is counted, what is not, and a worker that answers for itself on a real broker."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from schemas import topics
from schemas.attempt import Attempt, AttemptState
from schemas.consent import ConsentChange
from schemas.dead_letter import DeadLetter
from schemas.decision import Decision, Finding, Verdict
from schemas.outcome import Outcome
from schemas.send import Priority
from schemas.send_request import SendRequest
from schemas.sender import PriorityDepth, SenderState, SenderStatus
from services.kafka.publisher import Publisher
from services.observability import metrics
from services.observability.logs import mask_line
from services.observability.message_metrics import MessageMetrics
from services.observability.registry import MetricRegistry
from tests.adapters.waiting import LONGEST, until

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NUMBER = "+14155550142"


def told(*messages: Any, room: str = "gate") -> str:
    meters = MetricRegistry(metrics.WORKERS)
    MessageMetrics(room, meters).count([(None, message) for message in messages], NOON)
    return meters.text().decode()


def decision(verdict: Verdict, *findings: Finding, kind: str = "direct") -> Decision:
    return Decision(
        message_id="m1",
        tenant="acme",
        to=NUMBER,
        kind=kind,
        requested_at=NOON,
        verdict=verdict,
        findings=findings,
        decided_at=NOON,
        policy_version="p",
        consent_epoch=1,
        evidence={"topic": "t", "partition": 0, "offset": 0},
    )


def found(rule: str, verdict: Verdict) -> Finding:
    return Finding(rule=rule, verdict=verdict, reason="r")


def stop(**more: Any) -> ConsentChange:
    return ConsentChange(
        **{
            "tenant": "acme",
            "number": NUMBER,
            "event_id": "e",
            "action": "opt_out",
            "source": "inbound",
            "was": "opted_in",
            "now": "opted_out",
            "applied": True,
            "reason": "said STOP",
            "consent_epoch": 2,
            "claimed_at": NOON - timedelta(seconds=0.2),
            "at": NOON,
            **more,
        }
    )


def failed(code: str) -> Outcome:
    return Outcome(
        message_id="m",
        tenant="a",
        kind="direct",
        requested_at=NOON,
        state="failed",
        error_code=code,
        final=True,
        version=1,
        at=NOON,
    )


def status(
    sender: str, segments: int, state: SenderState = SenderState.RUNNING, drain: float = 1
) -> SenderStatus:
    depth = (
        (PriorityDepth(lane=Priority.REMINDER, messages=1, segments=segments),) if segments else ()
    )
    return SenderStatus(
        sender=sender, state=state, pace=2.0, queued=depth, drain_seconds=drain, at=NOON
    )


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        ([decision(Verdict.SEND)], 'sayso_decisions_total{rule="none",verdict="send"} 1.0'),
        (
            [
                decision(
                    Verdict.REJECT,
                    found("quiet_hours", Verdict.HOLD),
                    found("opted_out", Verdict.REJECT),
                )
            ],
            'sayso_decisions_total{rule="opted_out",verdict="reject"} 1.0',
        ),
        ([decision(Verdict.SEND, kind="consent_ask")], "sayso_asks_total 1.0"),
        (
            [decision(Verdict.HOLD, found("quiet_hours", Verdict.HOLD), kind="consent_ask")],
            "sayso_asks_total 0.0",
        ),
        ([stop()], "sayso_stop_to_effect_seconds_sum 0.2"),
        ([stop(applied=False)], "sayso_stop_to_effect_seconds_count 0.0"),
        (
            [stop(action="opt_in", now="opted_in")],
            'sayso_consent_changes_total{action="opt_in",source="inbound"} 1.0',
        ),
        (
            [
                Attempt(
                    message_id="m",
                    tenant="a",
                    attempt=1,
                    sender="24365",
                    state=AttemptState.SENDING,
                    at=NOON,
                )
            ]
            * 2,
            'sayso_attempts_total{state="sending"} 2.0',
        ),
        (
            [
                Attempt(
                    message_id="m",
                    tenant="a",
                    attempt=1,
                    sender="24365",
                    state=AttemptState.ACCEPTED,
                    segments=3,
                    at=NOON,
                )
            ],
            "sayso_segments_total 3.0",
        ),
        (
            [failed("30006")],
            'sayso_outcomes_total{code="30006",state="failed"} 1.0',
        ),
        (
            [failed("39999")],
            'sayso_unknown_codes_total{code="39999"} 1.0',
        ),
        (
            [
                DeadLetter(
                    room="gate",
                    topic="t",
                    partition=0,
                    offset=0,
                    timestamp=NOON,
                    cause="invalid",
                    reason="r",
                    at=NOON,
                )
            ],
            'sayso_dead_letters_total{cause="invalid",room="gate"} 1.0',
        ),
        (
            [status("+14155550100", 3), status("24365", 4)],
            'sayso_queue_segments{lane="reminder"} 7.0',
        ),
        ([status("24365", 3), status("24365", 1)], 'sayso_queue_segments{lane="reminder"} 1.0'),
        (
            [status("24365", 3, drain=9), status("72975", 1, drain=2)],
            "sayso_pace_drain_seconds 9.0",
        ),
        ([status("24365", 3), status("72975", 0)], "sayso_pace_allowed 2.0"),
        ([status("24365", 0, SenderState.PAUSED)], 'sayso_senders_held_up{state="paused"} 1.0'),
    ],
)
def test_told(messages: list[Any], line: str) -> None:
    assert line in told(*messages)


def test_no_label_holds_a_number() -> None:
    said = told(decision(Verdict.SEND), stop(), status("+14155550100", 3), status(NUMBER, 1))
    assert not re.search(r"\d{7,}", said)


def test_names_are_declared_once_and_well_formed() -> None:
    names = [metric.name for metric in metrics.METRICS]
    assert len(names) == len(set(names))
    for metric in metrics.METRICS:
        assert re.fullmatch(r"(sayso|kafka)_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind is metrics.Kind.COUNTER)
        assert metric.about.endswith(".")


def test_the_docs_table_is_the_declarations() -> None:
    page = Path("services/observability/README.md").read_text("utf-8")
    assert metrics.render_docs() in page


def test_log_lines_mask_numbers_however_deep() -> None:
    line = mask_line(
        None,
        "",
        {"event": f"to {NUMBER}", "more": {"list": [f"x {NUMBER}"]}, "offset": 14155550142},
    )
    assert NUMBER not in str(line)
    assert line["offset"] == 14155550142


@pytest.mark.broker
async def test_a_worker_answers_for_itself(fresh_cluster: str, tmp_path: Path) -> None:
    """Ready once its rows are back; its metrics count what it made durable; it ends within
    seconds of SIGTERM."""
    environment = {
        **os.environ,
        "SAYSO_BOOTSTRAP": fresh_cluster,
        "SAYSO_METRICS_PORT": "0",
        "SAYSO_STATE": str(tmp_path),
        "SAYSO_METRICS_PORT_FILE": str(tmp_path / "port"),
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.workers",
        "gate",
        "--ready-file",
        str(tmp_path / "ready"),
        env=environment,
    )
    try:
        await until((tmp_path / "ready").exists)
        port = int((tmp_path / "port").read_text())
        publisher = Publisher(fresh_cluster, source="test")
        await publisher.publish(
            topics.SEND_REQUESTS,
            SendRequest(
                message_id="m1",
                tenant="nobody",
                to=NUMBER,
                body="hello",
                kind="direct",
                requested_at=datetime.now(UTC),
            ),
        )
        await publisher.stop()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web:
            said = ""
            async with asyncio.timeout(LONGEST):
                while "sayso_decisions_total{" not in said:
                    await asyncio.sleep(0.2)  # asked without a pause it would do nothing else
                    said = await (await web.get("/metrics")).text()
            ready = await web.get("/ready")
            assert (ready.status, await ready.json()) == (
                200,
                {"ready": True, "assigned": True, "restored": True, "progressing": True},
            )
            assert (await web.get("/live")).status == 200
        assert 'sayso_partitions{room="gate"} 4.0' in said
        assert 'sayso_facts_total{room="gate"} 1.0' in said
    finally:
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0
