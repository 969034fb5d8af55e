"""Act on several messages at once, with one result for each: what was done, or why not.

Two people may act on the same rows. Who comes second learns who was first, and when; the other rows
go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.approval import ApprovalAction, ApprovalAnswer
from schemas.send_request import CancelRequest, CancelSource, Dismissal
from services.ledger import Ledger
from services.ledger.message_items import MailboxItem, find_items
from services.ledger.message_status import find_cancel, find_decided_approval, find_dismissal
from services.operations.approvals import (
    FailedText,
    SeenText,
    build_approvals,
    build_dismissals,
    dismiss,
    submit_approvals,
)
from services.operations.resend_plan import (
    NoResend,
    Resend,
    SendNow,
    plan_item,
    plan_resend,
    publish_resends,
)
from services.operations.session import Session
from services.operations.validation import new_id
from streams.mailboxes import FAILED_AFTER, FAILED_BEFORE


class RowResult(NamedTuple):
    """What came of an action on one message. `result` is a word for programs."""

    message_id: str
    done: bool
    result: str
    says: str = ""
    next_step: str = ""
    by: str = ""
    """Who did it, where somebody else was first."""
    at: str = ""
    """When they did it: RFC 3339, UTC."""
    resent_as: str = ""


Allowed = Callable[[MailboxItem], bool]
"""Whether the person who acts may see this message. What they may not see does not exist."""

UNKNOWN: Final = "unknown"
"""The result where there is no such message, or none that this person may see."""
GONE: Final = "There is no such message"
CHANGED: Final = "Changed since you saw it"
LOOK_AGAIN: Final = "look at it again, and decide on what is there"
NO_NUMBER: Final = "It waits for a phone number"
ADD_NUMBER: Final = "add one to the person"


class MessageActions:
    """Of one person at one tenant."""

    def __init__(
        self,
        kafka: Session,
        ledger: Ledger,
        tenant: str,
        by: str,
        now: datetime,
        allowed: Allowed = lambda _: True,
    ) -> None:
        self._kafka = kafka
        self._ledger = ledger
        self._tenant = tenant
        self._by = by
        self._now = now
        self._allowed = allowed

    async def decide(self, action: ApprovalAction, seen: dict[str, str]) -> list[RowResult]:
        """Approve or reject. `seen`: the hash of each text as it was shown, by message id.

        Raises OperationError."""
        items = self._find(tuple(seen))
        texts = [SeenText(one, seen[name]) for name, one in items.items() if one and one.number]
        approvals = build_approvals(action, texts, self._by, self._now)
        answers = await submit_approvals(self._kafka, self._ledger, approvals)
        by_id = {
            text.item.message_id: self._describe(action, text.item.message_id, answer)
            for text, answer in zip(texts, answers, strict=True)
        }
        return [by_id.get(name) or _not_found(name, item) for name, item in items.items()]

    def _describe(self, action: ApprovalAction, name: str, answer: dict[str, Any]) -> RowResult:
        reason, next_step = answer["reason"], answer["next_step"]
        rule, verdict = answer["rule"], answer.get("verdict")
        if answer["applied"]:
            if action is ApprovalAction.REJECT:
                return RowResult(name, True, "rejected", "Rejected: it is not sent")
            if verdict == "send":
                return RowResult(name, True, "approved", "Approved: it goes out now")
            return RowResult(name, True, "waits", f"Approved. {reason}", next_step)
        if rule == "another_text":
            return RowResult(name, False, "changed", CHANGED, LOOK_AGAIN)
        if cancel := find_cancel(self._ledger, self._tenant, name):
            return _describe_canceled(cancel)
        if first := find_decided_approval(self._ledger, self._tenant, name):
            return _describe_decided(first)
        return RowResult(name, False, rule, reason, next_step)

    async def send_now(self, ids: Sequence[str]) -> list[RowResult]:
        """Evaluate what waits once more, and resend what failed. No rule is skipped.

        Raises OperationError."""
        batch = new_id("now")
        plans: dict[str, SendNow | RowResult] = {}
        for n, (name, item) in enumerate(self._find(tuple(ids)).items(), 1):
            plans[name] = (
                plan_item(self._ledger, item, f"{batch}-{n}", self._by, self._now)
                if item
                else _not_found(name, item)
            )
        planned = [one for one in plans.values() if isinstance(one, SendNow)]
        approvals = [one.approval for one in planned if one.approval]
        answers = await submit_approvals(self._kafka, self._ledger, approvals)
        await publish_resends(self._kafka, [one.resend for one in planned if one.resend])
        by_id = {
            approval.message_id: answer for approval, answer in zip(approvals, answers, strict=True)
        }
        return [
            _describe_sent(plan, by_id.get(name)) if isinstance(plan, SendNow) else plan
            for name, plan in plans.items()
        ]

    async def resend(self, ids: Sequence[str]) -> list[RowResult]:
        """Send what was sent or failed once more, as new requests.  Raises OperationError."""
        plans: dict[str, Resend | NoResend | RowResult] = {
            name: plan_resend(self._ledger, item, None, self._by, self._now)
            if item
            else _not_found(name, item)
            for name, item in self._find(tuple(ids)).items()
        }
        await publish_resends(
            self._kafka, [one for one in plans.values() if isinstance(one, Resend)]
        )
        return [
            plan if isinstance(plan, RowResult) else describe_resend(name, plan)
            for name, plan in plans.items()
        ]

    async def dismiss(self, ids: Sequence[str]) -> list[RowResult]:
        """Take failed texts off the lists.  Raises OperationError."""
        results: dict[str, RowResult] = {}
        failed = []
        for name, item in self._find(tuple(ids)).items():
            before = find_dismissal(self._ledger, self._tenant, name)
            if item is None:
                results[name] = _not_found(name, item)
            elif before is not None:
                results[name] = _describe_dismissed(before)
            elif item.state not in FAILED_BEFORE | FAILED_AFTER:
                says = "It has not failed"
                results[name] = RowResult(name, False, "not_failed", says, "leave it as it is")
            else:
                failed.append(FailedText(self._tenant, name))
                results[name] = RowResult(
                    name, True, "dismissed", "Off the list; it stays on record"
                )
        if failed:
            await dismiss(self._kafka, build_dismissals(failed, self._by, self._now))
        return list(results.values())

    def _find(self, ids: tuple[str, ...]) -> dict[str, MailboxItem | None]:
        """Each once, in their order. None: there is none that this person may see."""
        found = find_items(self._ledger, ids, self._now, self._tenant)
        by_id = {item.message_id: item for item in found if self._allowed(item)}
        return {name: by_id.get(name) for name in dict.fromkeys(ids)}


def _not_found(name: str, item: MailboxItem | None) -> RowResult:
    if item is None:
        return RowResult(name, False, UNKNOWN, GONE, "load the page again")
    return RowResult(name, False, "no_number", NO_NUMBER, ADD_NUMBER)


def _describe_canceled(cancel: CancelRequest) -> RowResult:
    at = cancel.at.isoformat()
    if cancel.by == CancelSource.CASES:
        return RowResult(cancel.message_id, False, "changed", CHANGED, LOOK_AGAIN)
    return RowResult(cancel.message_id, False, "canceled", "Taken back", by=cancel.by, at=at)


def _describe_decided(first: ApprovalAnswer) -> RowResult:
    approved = first.action is ApprovalAction.APPROVE
    return RowResult(
        first.message_id,
        False,
        "already_approved" if approved else "already_rejected",
        "Already approved" if approved else "Already rejected",
        by=first.by,
        at=first.at.isoformat(),
    )


def _describe_dismissed(before: Dismissal) -> RowResult:
    says = "Already dismissed"
    at = before.at.isoformat()
    return RowResult(before.message_id, False, "already_dismissed", says, by=before.by, at=at)


def _describe_sent(plan: SendNow, answer: dict[str, Any] | None) -> RowResult:
    name = plan.item.message_id
    if plan.resend:
        return describe_resend(name, plan.resend)
    if answer is None:
        return RowResult(name, False, "not_possible", plan.why_not)
    goes = answer.get("verdict") == "send"
    says = "It goes out now" if goes else answer["reason"]
    step = "" if goes else answer["next_step"]
    return RowResult(name, bool(answer["applied"]) and goes, answer["rule"], says, step)


def describe_resend(name: str, plan: Resend | NoResend) -> RowResult:
    if isinstance(plan, NoResend):
        return RowResult(name, False, "not_possible", plan.why)
    says = "Sent again" if plan.event is None else "Number corrected, and sent again"
    return RowResult(name, True, "resent", says, resent_as=plan.request.message_id)
