"""What happens to a text once it is accepted: its status changes, and receipts go out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

from services.local.simulator.context import Context
from services.local.simulator.determinism import SeededRandom
from services.local.simulator.messages import (
    API_VERSION,
    FINAL_STATUSES,
    Message,
    count_segments,
)
from services.local.simulator.script import FinalStatus, ReceiptFault, Scenario, Script

DUPLICATE_AFTER: Final = 0.01
"""Seconds between a receipt and its duplicate."""
OVERFLOW: Final = Scenario.model_validate("failed:30001")

ERROR_MESSAGES: Final[dict[int, str]] = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}
"""What `error_message` says of a text that failed after it was accepted."""


class StatusChange(NamedTuple):
    at: float
    """Seconds after the text was accepted."""
    status: str
    error: int | None = None


def plan_changes(
    scenario: Scenario,
    leaves_in: float,
    queues_first: bool,
    script: Script,
    random: SeededRandom,
    number: str,
    ordinal: int,
) -> list[StatusChange]:
    """When the text changes its status. Pure, so that a run repeats exactly.

    `leaves_in`: seconds until the sender's queue lets it go.
    `queues_first`: a messaging service answers `accepted` and reports `queued`. Twilio never
    reports the first status.
    """
    sent = leaves_in + random.between(script.sent_after, "sent", number, ordinal)
    ended = sent + random.between(script.delivered_after, "ended", number, ordinal)
    changes = [StatusChange(min(0.01, sent / 2), "queued")] if queues_first else []
    if scenario.end is FinalStatus.FAILED:
        return [*changes, StatusChange(sent, "failed", scenario.error)]
    changes.append(StatusChange(sent, "sent"))
    if scenario.end is FinalStatus.SENT:
        return changes
    return [*changes, StatusChange(ended, scenario.end.value, scenario.error)]


def plan_receipts(scenario: Scenario, changes: list[StatusChange]) -> list[StatusChange]:
    """What the webhook hears of these changes, and when."""
    faults = scenario.receipts
    if ReceiptFault.LOST in faults:
        return []
    receipts = list(changes)
    if ReceiptFault.FINAL_LOST in faults:
        receipts.pop()
    if ReceiptFault.LATE in faults and receipts:
        receipts[-1] = receipts[-1]._replace(at=receipts[-1].at + scenario.late)
    if ReceiptFault.REORDERED in faults:
        times = [receipt.at for receipt in receipts]
        pairs = zip(reversed(receipts), times, strict=True)
        receipts = [receipt._replace(at=at) for receipt, at in pairs]
    if ReceiptFault.DUPLICATED in faults:
        receipts = [
            copy
            for receipt in receipts
            for copy in (receipt, receipt._replace(at=receipt.at + DUPLICATE_AFTER))
        ]
    return receipts


class Carrier:
    def __init__(self, context: Context, on_delivered: Callable[[Message], None]) -> None:
        self._context = context
        self._on_delivered = on_delivered
        """Called when a text has reached a phone."""

    def accept(
        self, form: Mapping[str, str], scenario: Scenario, ordinal: int, wait: float = 0.0
    ) -> Message:
        """`wait`: seconds before it joins its sender's queue (a scheduled text)."""
        context = self._context
        to = form["To"]
        service = form.get("MessagingServiceSid")
        initial = "queued"
        if service:
            initial = "scheduled" if wait else "accepted"
        message = Message(
            sid=context.random.sid("SM", "out", to, ordinal),
            account=context.account,
            to=to,
            sender=None if service else form["From"],
            body=form["Body"],
            created=time.time(),
            service=service,
            callback=form.get("StatusCallback"),
            segments=count_segments(form["Body"]),
            status=initial,
            ordinal=ordinal,
        )
        context.messages.add(message)
        self._schedule(message, scenario, wait)
        return message

    def _schedule(self, message: Message, scenario: Scenario, wait: float) -> None:
        context = self._context
        now = context.clock.now()
        sender = context.senders.get(message.from_address)
        assert sender is not None, "checked before it was accepted"
        if message.service and sender.is_full(now):
            scenario = OVERFLOW
        leaves_in = wait + sender.queue(now, message.segments) - now
        changes = plan_changes(
            scenario,
            leaves_in,
            bool(message.service),
            context.script,
            context.random,
            message.to,
            message.ordinal,
        )
        for change in changes:
            context.clock.call_later(change.at, partial(self._apply, message, change, scenario))
        for receipt in plan_receipts(scenario, changes):
            context.clock.call_later(receipt.at, partial(self._spawn_report, message, receipt))

    def _apply(self, message: Message, change: StatusChange, scenario: Scenario) -> None:
        if message.status in FINAL_STATUSES:
            return
        message.status = change.status
        message.updated = time.time()
        if message.sender is None:
            sender = self._context.senders.get(message.from_address)
            if sender is not None:
                message.sender = sender.pool
        if change.status == "sent":
            message.sent = message.updated
        if change.error is not None:
            message.error = change.error
            message.error_message = ERROR_MESSAGES.get(change.error, "See the error dictionary")
        is_last_heard = change.status == "sent" and scenario.end is FinalStatus.SENT
        if change.status == "delivered" or is_last_heard:
            self._on_delivered(message)

    def cancel(self, message: Message) -> None:
        message.status = "canceled"
        message.updated = time.time()
        self._spawn_report(message, StatusChange(0.0, "canceled"))

    def _spawn_report(self, message: Message, change: StatusChange) -> None:
        self._context.clock.spawn(self.report(message, change))

    async def report(self, message: Message, change: StatusChange) -> None:
        """Post a receipt to the webhook, if the create call named one."""
        was_canceled = message.status == "canceled" and change.status != "canceled"
        if message.callback is None or was_canceled:
            return
        await self._context.callbacks.post(
            message.callback,
            _receipt_form(message, change),
            "receipt",
            sid=message.sid,
            status=change.status,
        )


def _receipt_form(message: Message, change: StatusChange) -> dict[str, str]:
    form = {
        "AccountSid": message.account,
        "ApiVersion": API_VERSION,
        "From": message.sender or "",
        "To": message.to,
        "MessageSid": message.sid,
        "MessageStatus": change.status,
        "SmsSid": message.sid,
        "SmsStatus": change.status,
    }
    if message.service:
        form["MessagingServiceSid"] = message.service
    if change.error is not None:
        form["ErrorCode"] = str(change.error)
    if change.status in {"delivered", "undelivered"}:
        form["RawDlrDoneDate"] = datetime.now(UTC).strftime("%y%m%d%H%M")
    return form
