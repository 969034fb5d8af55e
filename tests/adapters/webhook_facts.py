"""Records of which event webhooks are made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas.consent import ConsentChange, ConsentState
from schemas.inbound import Reply
from schemas.outcome import Outcome

NOW = datetime.now(UTC).replace(microsecond=0)
NUMBER = "+12125550123"
WORDS = "please call my lawyer"


def outcome(message_id: str = "m-1", version: int = 1, **fields: Any) -> Outcome:
    given = {
        "message_id": message_id,
        "tenant": "acme",
        "kind": "reminder",
        "to": NUMBER,
        "sender": "+13125550100",
        "requested_at": NOW,
        "state": "delivered",
        "segments": 1,
        "final": True,
        "version": version,
        "at": NOW,
        **fields,
    }
    made: Outcome = Outcome.model_validate(given)
    return made


def change(seq: int = 1, **fields: Any) -> ConsentChange:
    given = {
        "tenant": "acme",
        "number": NUMBER,
        "event_id": f"c-{seq}",
        "action": "opt_in",
        "source": "inbound",
        "was": ConsentState.NONE,
        "now": ConsentState.OPTED_IN,
        "applied": True,
        "reason": "they texted START",
        "consent_epoch": seq,
        "claimed_at": NOW,
        "at": NOW,
        "evidence": {"text": WORDS},
        "seq": seq,
        **fields,
    }
    return ConsentChange.model_validate(given)


def reply(provider_id: str = "SM1", **fields: Any) -> Reply:
    given = {
        "tenant": "acme",
        "number": NUMBER,
        "sender": "+13125550100",
        "provider_id": provider_id,
        "body": WORDS,
        "media": ("https://api.example/picture",),
        "received_at": NOW,
        **fields,
    }
    return Reply.model_validate(given)
