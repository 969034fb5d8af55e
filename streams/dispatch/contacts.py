"""Tell the inbox whose text leaves, before it can be answered.

Only what leaves makes a tenant one that a YES may be meant for (docs/decisions/0020). The contact
is committed with `sending`, before the call. If the provider surely did not take the text, another
one undoes it. What is in doubt may have arrived, and stays.

A sender of one tenant needs it for opt-in requests only: any other reply to it is that tenant's.
"""

from __future__ import annotations

from schemas.inbound import Contact
from schemas.send_request import SystemKind
from schemas.topics import CONTACTS
from streams.dispatch.state import InDoubt, LiveMessage, Sending
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings


def publish_leaving(step: StepBuilder, message: Sending, settings: Settings) -> None:
    _publish(step, message, settings, untaken=None)


def publish_untaken(step: StepBuilder, message: Sending | InDoubt, settings: Settings) -> None:
    """It has reached nobody with this call."""
    _publish(step, message, settings, untaken=True)


def _publish(
    step: StepBuilder, message: LiveMessage, settings: Settings, *, untaken: bool | None
) -> None:
    order = message.order
    is_request = order.kind == SystemKind.CONSENT_ASK
    sender = settings.senders.get(step.sender)
    if not is_request and (sender is None or not sender.shared_by):
        return
    contact = Contact(
        sender=step.sender,
        number=order.to,
        tenant=order.tenant,
        asked=is_request,
        untaken=untaken,
        at=message.called_at,
    )
    step.publish(CONTACTS, contact)
