"""Messages in the ledger without a broker: asked, decided, with an outcome, or only some of
that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from schemas.base import Evidence, Message
from schemas.decision import Decision, Verdict
from schemas.outcome import Outcome
from schemas.send_request import SendRequest
from schemas.topics import DECISIONS, OUTCOMES, SEND_REQUESTS, Topic
from tests.adapters.ledger_filler import NOON

ANA = "+14155550101"
TopicMessage = tuple[Topic[Any], Message]


def make_request(message_id: str, at: datetime = NOON, **changed: Any) -> TopicMessage:
    known: dict[str, Any] = {
        "message_id": message_id,
        "tenant": "acme",
        "to": ANA,
        "body": "hello",
        "kind": "reminder",
        "requested_at": at,
    }
    return SEND_REQUESTS, SendRequest(**(known | changed))


def make_decision(message_id: str, at: datetime = NOON, **changed: Any) -> TopicMessage:
    known: dict[str, Any] = {
        "message_id": message_id,
        "tenant": "acme",
        "to": ANA,
        "sender": "72975",
        "kind": "reminder",
        "segments": 1,
        "requested_at": at,
        "verdict": Verdict.SEND,
        "decided_at": at + timedelta(seconds=1),
        "policy_version": "p",
        "consent_epoch": 1,
        "evidence": Evidence(topic="sms.consent-events", partition=0, offset=7),
    }
    return DECISIONS, Decision(**(known | changed))


def make_outcome(
    message_id: str, state: str = "delivered", at: datetime = NOON, **changed: Any
) -> TopicMessage:
    known: dict[str, Any] = {
        "message_id": message_id,
        "tenant": "acme",
        "to": ANA,
        "sender": "72975",
        "kind": "reminder",
        "state": state,
        "segments": 1,
        "segments_predicted": 1,
        "requested_at": at,
        "final": True,
        "version": 1,
        "at": at + timedelta(seconds=9),
    }
    return OUTCOMES, Outcome(**(known | changed))


def make_history(
    message_id: str,
    state: str = "delivered",
    at: datetime = NOON,
    tenant: str = "acme",
    **changed: Any,
) -> tuple[TopicMessage, ...]:
    return (
        make_request(message_id, at, tenant=tenant),
        make_decision(message_id, at, tenant=tenant),
        make_outcome(message_id, state, at, tenant=tenant, **changed),
    )
