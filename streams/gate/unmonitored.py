"""The answer of a sender that nobody reads: whom to contact instead.

The inbox has decided that it is time for one, for it knows all tenants of a sender.  It answers no
keyword and no reaction, and a number at a sender gets at most one in 24 hours
(`streams.inbox.unmonitored`).  The gate knows the number: somebody who must not be texted, or to
whom a person has written just now, gets none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from schemas.decision import Verdict
from schemas.inbound import Reply
from schemas.send_request import SystemKind
from schemas.tenant_settings import TenantSettings
from streams.dedup import dedup_name, is_duplicate
from streams.gate.auto_replies import (
    WITHIN,
    AutoReply,
    build_reply,
    contact_text,
    note_reply,
)
from streams.gate.consent_claims import find_append_ms
from streams.gate.evaluation import evaluate_request, preview
from streams.gate.state import HelpReplies, StepBuilder
from streams.processing import InputRecord

AFTER_A_PERSON: Final = timedelta(hours=1)
"""So long after somebody of the tenant wrote by hand, nothing automatic comes between."""


def on_unmonitored(step: StepBuilder, record: InputRecord, tenant: TenantSettings) -> None:
    """Where a rule is against it, there is no decision: nobody has asked for this text."""
    reply: Reply = record.value
    since_hand = timedelta(milliseconds=find_append_ms(record) - step.number.by_hand_ms)
    if not reply.unmonitored or since_hand < AFTER_A_PERSON:
        return
    name = dedup_name("in", reply.provider_id)
    if is_duplicate(step.store, name) or name in step.entries:
        return
    last = step.number.unmonitored_replies
    times = last.times + 1 if last else 1
    answer = AutoReply(SystemKind.UNMONITORED_ANSWER, times, contact_text(tenant), WITHIN)
    pending = build_reply(step, record, tenant, answer)
    if preview(step, pending).verdict is not Verdict.SEND:
        return
    replies = HelpReplies(times=times, at=step.now)
    step.number = step.number.model_copy(update={"unmonitored_replies": replies})
    evaluate_request(step, pending)
    note_reply(step, record)
