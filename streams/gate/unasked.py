"""An ask that has come to nothing is no longer waited for, neither here nor at the inbox."""

from __future__ import annotations

from typing import Any

from schemas.consent_status import ConsentState
from schemas.contact import Contact
from schemas.sender import Sender
from schemas.topics import CONTACTS
from streams.gate.asks import asking
from streams.gate.state import NUMBER, Ask, NumberRow
from streams.processing import Publication, Settings, StateStore, StepResult


def is_shared(sender: Sender | None) -> bool:
    return sender is not None and len(sender.tenants) > 1


def may_answer_another(sender: Sender | None, tenant: str) -> bool:
    """It is shared, or has become somebody else's."""
    return sender is not None and sender.tenants != (tenant,)


def is_unasked(row: NumberRow) -> bool:
    """There was an ask, and none has arrived."""
    return row.state is ConsentState.NONE and asking(row).last in (Ask.WAITING, Ask.FAILED)


def with_unasked(state: StateStore, step: StepResult, settings: Settings) -> StepResult:
    """The inbox gives a START on a shared sender to those whose ask is unanswered: it has to hear that this one is
    not."""
    after = step.state.get(NUMBER)
    if after is None or not _unasked(after):
        return step
    before = state.get(NUMBER, NumberRow)
    if before is None or before.state is not ConsentState.PENDING:
        return step
    asked_at = asking(before).at
    if asked_at is None:
        return step
    tenant, _, number = state.entity_key.partition("/")
    shared = [sender for sender in before.senders if is_shared(settings.senders.get(sender))]
    told = (
        Contact(sender=sender, number=number, tenant=tenant, unasked=True, at=asked_at)
        for sender in shared
    )
    return step._replace(
        publish=(*step.publish, *(Publication(CONTACTS, contact) for contact in told))
    )


def _unasked(row: Any) -> bool:
    return isinstance(row, NumberRow) and is_unasked(row)
