"""Decisions, attempts and receipts of one message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from schemas.attempt import Attempt, AttemptState, DeliveryReceipt
from schemas.base import Evidence
from schemas.decision import Decision, Verdict
from schemas.outcome import Outcome
from schemas.topics import OUTCOMES
from streams.outcomes import outcomes, outcomes_on_timer
from streams.processing import Settings
from tests.core.harness import START, ProcessorHarness

ANA, CODE = "+14155550101", "72975"


def processor() -> ProcessorHarness:
    return ProcessorHarness(outcomes, outcomes_on_timer, "acme/m1", Settings())


def decision(verdict: str = "send", seq: int = 1, **changed: Any) -> Decision:
    known: dict[str, Any] = {
        "message_id": "m1",
        "tenant": "acme",
        "branch": "north",
        "to": ANA,
        "sender": CODE,
        "kind": "reminder",
        "segments": 2,
        "requested_at": START,
        "verdict": Verdict(verdict),
        "decided_at": START + timedelta(seconds=seq),
        "policy_version": "p",
        "consent_epoch": 1,
        "evidence": Evidence(),
        "seq": seq,
        "fingerprint": "f",
    }
    return Decision(**(known | changed))


def attempt(state: str, number: int = 1, **changed: Any) -> Attempt:
    known: dict[str, Any] = {
        "message_id": "m1",
        "tenant": "acme",
        "attempt": number,
        "sender": CODE,
        "to": ANA,
        "state": AttemptState(state),
        "at": START + timedelta(seconds=10),
        "provider_id": f"SM{number}" if state == "accepted" else None,
    }
    return Attempt(**(known | changed))


def receipt(
    status: str, code: str | None = None, number: int = 1, **changed: Any
) -> DeliveryReceipt:
    known: dict[str, Any] = {
        "message_id": "m1",
        "tenant": "acme",
        "attempt": number,
        "provider_id": f"SM{number}",
        "status": status,
        "error_code": code,
        "received_at": START + timedelta(seconds=20),
    }
    return DeliveryReceipt(**(known | changed))


def last(harness: ProcessorHarness) -> Outcome | None:
    told: list[Outcome] = harness.published_on(OUTCOMES)
    return told[-1] if told else None


def state(harness: ProcessorHarness) -> str:
    """`undelivered 30003`, or `nothing`."""
    outcome = last(harness)
    return (
        "nothing"
        if outcome is None
        else " ".join(filter(None, (outcome.state, outcome.error_code)))
    )
