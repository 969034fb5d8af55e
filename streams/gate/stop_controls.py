"""Tell dispatch what a change of consent means for orders of an older epoch."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.controls import Recall, Stop
from schemas.topics import DISPATCH_CONTROLS
from streams.gate.state import StepBuilder


def publish_stops(step: StepBuilder, senders: Iterable[str], epoch: int) -> None:
    """Orders of the number with a lower `epoch` are canceled at these senders."""
    _publish(step, Stop, senders, epoch)


def publish_recalls(step: StepBuilder, senders: Iterable[str], epoch: int) -> None:
    """Such orders return to the gate, which holds them."""
    _publish(step, Recall, senders, epoch)


def _publish(
    step: StepBuilder, control: type[Stop | Recall], senders: Iterable[str], epoch: int
) -> None:
    for sender in senders:
        message = control(
            sender=sender,
            number=step.phone,
            tenant=step.tenant_id,
            consent_epoch=epoch,
            at=step.now,
        )
        step.publish(DISPATCH_CONTROLS, message)
