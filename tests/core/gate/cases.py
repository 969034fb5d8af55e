"""A request that may go, at noon in New York, and everything around it; a test says what is
different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from schemas.base import Evidence
from schemas.consent import ConsentEvent, ConsentState
from schemas.decision import Decision
from schemas.inbound import Reply
from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import Branch, TenantSettings
from schemas.topics import DECISIONS
from streams.gate import gate, gate_on_timer
from streams.gate.messages import SYSTEM_PRIORITIES
from streams.gate.rule_context import RuleContext, build_context
from streams.gate.state import NUMBER, NumberState
from streams.processing import Publication, Settings, build_settings
from tests.core.harness import ProcessorHarness, on_topic

NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
PHONE = "+14155550100"
OWN, SHARED, BRANCH, FOREIGN = "24273", "+12125550111", "+12125550122", "88888"

ANY_TIME = {"quiet_hours": "none", "marketing": "as_others"}

_ids = count()

SENDERS = {
    OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme"),
    SHARED: Sender(sender=SHARED, kind=SenderKind.LONG_CODE, shared_by=("acme", "bolt")),
    BRANCH: Sender(sender=BRANCH, kind=SenderKind.LONG_CODE, owner="acme"),
    FOREIGN: Sender(sender=FOREIGN, kind=SenderKind.SHORT_CODE, owner="bolt"),
}


def settings(**changes: Any) -> Settings:
    """Texts at any hour, but where a test is about hours."""
    tenant = {
        "tenant": "acme",
        "name": "Acme",
        "sender": OWN,
        "branches": {"south": Branch(sender=BRANCH)},
        "when": ANY_TIME,
    }
    return build_settings({"acme": TenantSettings.model_validate(tenant | changes)}, SENDERS)


def request(**changes: Any) -> SendRequest:
    asked = {
        "message_id": f"m{next(_ids)}",
        "tenant": "acme",
        "to": PHONE,
        "body": "Your appointment is tomorrow at 5.",
        "kind": "reminder",
        "requested_at": NOON - MINUTE,
    }
    return SendRequest.model_validate(asked | changes)


def context(
    *,
    consent: ConsentState = ConsentState.OPTED_IN,
    known: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    received: datetime | None = None,
    now: datetime = NOON,
    **asked: Any,
) -> RuleContext:
    """`known` goes into the number's row, `policy` into the tenant's settings, the rest into the
    request."""
    number = NumberState(state=consent, epoch=1, **(known or {}))
    return build_context(request(**asked), number, received or now, now, settings(**(policy or {})))


def gate_processor(now: datetime = NOON, **policy: Any) -> ProcessorHarness:
    return ProcessorHarness(gate, gate_on_timer, f"acme/{PHONE}", settings(**policy), now=now)


def number_state(processor: ProcessorHarness) -> NumberState:
    row = processor.state.get(NUMBER, NumberState)
    assert row is not None
    return row


def opt_in(**changes: Any) -> ConsentEvent:
    """By a form, with its wording."""
    return _event("opt_in", {"evidence": Evidence(wording="Yes, text me about my case.")} | changes)


def recorded(**changes: Any) -> ConsentEvent:
    """By staff, with proof."""
    proof = Evidence(document="intake-12.pdf", actor="ann")
    return _event("opt_in", {"source": "manual", "evidence": proof} | changes)


def ask(**changes: Any) -> ConsentEvent:
    """By hand."""
    return _event("ask", {"source": "manual", "evidence": Evidence(actor="ann")} | changes)


def ask_failed(**changes: Any) -> ConsentEvent:
    return _event("ask_failed", {"source": "carrier"} | changes)


def unreadable_text(offset: int = 7) -> ConsentEvent:
    """As the inbox tells of a text that it could not read."""
    said = {"event_id": f"sms.inbound:0:{offset}:1", "source": "sms.inbound", "sender": OWN}
    return _event("unreadable", said)


def looked(**changes: Any) -> ConsentEvent:
    """Staff, at what could not be read."""
    return _event("resolved", {"source": "manual", "evidence": Evidence(actor="dana")} | changes)


def go_on(**changes: Any) -> ConsentEvent:
    """Staff have read what may have been an opt-out."""
    return _event("go_on", {"source": "manual", "evidence": Evidence(actor="dana")} | changes)


def opt_out(**changes: Any) -> ConsentEvent:
    return _event("opt_out", changes)


def _event(action: str, changes: dict[str, Any]) -> ConsentEvent:
    said = {
        "event_id": f"e{next(_ids)}",
        "tenant": "acme",
        "number": PHONE,
        "source": "form",
        "at": NOON,
    }
    return ConsentEvent.model_validate({"action": action} | said | changes)


def reply(body: str, **changes: Any) -> Reply:
    said = {
        "provider_id": f"SM{next(_ids)}",
        "tenant": "acme",
        "number": PHONE,
        "sender": OWN,
        "received_at": NOON,
    }
    return Reply.model_validate({"body": body} | said | changes)


def decided(published: list[Publication]) -> list[tuple[str, str, list[str]]]:
    """(message id, verdict, rules) of each decision on a producer's text."""
    return [
        _short(decision)
        for decision in on_topic(DECISIONS, published)
        if decision.kind not in SYSTEM_PRIORITIES
    ]


def _short(decision: Decision) -> tuple[str, str, list[str]]:
    return decision.message_id, str(decision.verdict), [found.rule for found in decision.findings]
