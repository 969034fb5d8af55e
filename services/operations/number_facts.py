"""Confirm that a number is right: it is neither doubtful, nor a landline, nor one that takes no texts."""

from __future__ import annotations

from datetime import datetime

from schemas.person import NumberFact
from schemas.topics import NUMBER_FACTS
from services.operations.session import Session
from services.operations.validation import build_message


def build_confirmation(number: str, tenant: str, actor: str, now: datetime) -> NumberFact:
    """`number` in E.164; `actor` is who has made sure.  Raises InvalidRequest."""
    return build_message(
        NumberFact,
        tenant=tenant,
        number=number,
        doubtful=False,
        landline=False,
        suppressed=False,
        evidence={"actor": actor},
        at=now,
    )


async def confirm_number(kafka: Session, fact: NumberFact) -> None:
    """Raises OperationError."""
    await kafka.require_tenants(fact.tenant)
    await kafka.publish(NUMBER_FACTS, [fact])
