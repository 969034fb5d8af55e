"""Whether we may ask a number for opt-in, and what its state remembers of the requests.

One opt-in request may go out in 24 hours, counted from when its order is issued.  One that failed
has reached nobody: the clock is free again, and unless an earlier request is unanswered the number
is as if never asked.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from schemas.consent import ConsentState
from schemas.sender import Sender
from streams.gate.send_window import CLOCKS_DIFFER, clock_behind
from streams.gate.state import NumberState, OptInRequests, OptInStatus
from streams.reasons import Reason, format_duration, format_time
from streams.rule_names import RuleName

REPEAT_AFTER: Final = timedelta(hours=24)
"""From one opt-in request to the next, per number, counted from when the order is issued."""

AUTOMATIC_AT_MOST: Final = 3
"""Opt-in requests that go out without staff: one, and two more if those before have failed."""

BUDGET: Final = Reason(
    RuleName.OPT_IN_BUDGET,
    "This hour's opt-in requests are used up",
    "raise asks_per_hour, or wait: it is sent at that time",
)
CROWDED: Final = Reason(
    RuleName.SENDER_CROWDED,
    "Too many texts are queued before it at its sender",
    "no action needed: it is sent at that time",
)
"""The next step is that of a text that waits for the hour, word for word: outcomes publishes a new
version whenever the next step changes, and a crowded sender's texts often come to wait for both."""
CLOCK_AHEAD: Final = Reason(
    RuleName.CLOCK_SKEW,
    "It is too late by dispatch's clock, but not by the gate's",
    "no action needed; if it waits longer than a moment, set the clocks by NTP",
)
RETURN_REASONS: Final = {reason.rule: reason for reason in (BUDGET, CROWDED, CLOCK_AHEAD)}
"""Why dispatch returns an order that may be sent later, by rule."""

NO_REQUESTS: Final = OptInRequests()
SETTLED: Final = {
    ConsentState.OPTED_IN: "they have opted in already",
    ConsentState.OPTED_OUT: "they opted out: only they can come back, by texting START",
}
"""States in which there is nothing to ask."""


def opt_in_requests(number: NumberState) -> OptInRequests:
    return number.opt_in or NO_REQUESTS


def next_request_at(number: NumberState) -> datetime | None:
    """When the next request may go; None: nothing prevents it."""
    requests = opt_in_requests(number)
    if requests.last is OptInStatus.OUT and requests.issued_at:
        return requests.issued_at + REPEAT_AFTER
    return None


def why_not_now(number: NumberState, now: datetime, zone: tzinfo = UTC) -> str:
    """Why nobody may ask now; empty if nothing is against it."""
    if number.state in SETTLED:
        return SETTLED[number.state]
    if clock_behind(number, now):
        return CLOCKS_DIFFER
    requests = opt_in_requests(number)
    if requests.last is OptInStatus.WAITING:
        return "a request to opt in is on its way already"
    free = next_request_at(number)
    if requests.issued_at is None or free is None or free <= now:
        return ""
    last = format_time(requests.issued_at, zone)
    left = format_duration(free - now)
    return f"they were asked {last}: again in {left}, from {format_time(free, zone)}"


def wait_until(number: NumberState, now: datetime) -> datetime | None:
    """From when on there is room for the request that waits, in the tenant's budget or at its
    sender; None: nothing is known against it."""
    until = opt_in_requests(number).wait_until
    return until if until is not None and until > now else None


def why_waiting(number: NumberState) -> Reason:
    return RETURN_REASONS.get(opt_in_requests(number).wait_rule, BUDGET)


def may_ask_automatically(number: NumberState, now: datetime) -> bool:
    """The first time; again only if the request before it failed, a day later, and a few times."""
    requests = opt_in_requests(number)
    if (
        number.state is not ConsentState.NONE
        or requests.last not in (OptInStatus.NONE, OptInStatus.FAILED)
        or requests.count >= AUTOMATIC_AT_MOST
    ):
        return False
    return requests.issued_at is None or now >= requests.issued_at + REPEAT_AFTER


def has_none_delivered(number: NumberState) -> bool:
    """There was an opt-in request, and none has arrived."""
    last = opt_in_requests(number).last
    return number.state is ConsentState.NONE and last in (OptInStatus.WAITING, OptInStatus.FAILED)


def is_shared(sender: Sender | None) -> bool:
    return sender is not None and len(sender.tenants) > 1


def is_not_only_theirs(sender: Sender | None, tenant: str) -> bool:
    """It is shared, or has become another tenant's: a reply to it may be meant for somebody
    else."""
    return sender is not None and sender.tenants != (tenant,)


def start(number: NumberState) -> NumberState:
    """One more request is being made."""
    requests = opt_in_requests(number)
    after = OptInRequests(
        count=requests.count + 1,
        last=OptInStatus.WAITING,
        issued_at=requests.issued_at,
        previous_at=requests.issued_at,
        unanswered=requests.unanswered + (requests.last is OptInStatus.OUT),
    )
    return number.model_copy(update={"opt_in": after})


def mark_returned(number: NumberState, until: datetime | None, rule: str) -> NumberState:
    """Its order came back unsent: it has reached nobody, so the clock is where it was before."""
    requests = opt_in_requests(number)
    update = {"issued_at": requests.previous_at, "wait_until": until, "wait_rule": rule}
    return number.model_copy(update={"opt_in": requests.model_copy(update=update)})


def decrement_unanswered(number: NumberState) -> NumberState:
    """The order of an earlier request came back unsent."""
    requests = opt_in_requests(number)
    fewer = requests.model_copy(update={"unanswered": max(0, requests.unanswered - 1)})
    return set_status(number.model_copy(update={"opt_in": fewer}), fewer.last)


def set_status(
    number: NumberState, last: OptInStatus, issued_at: datetime | None = None
) -> NumberState:
    """The last request's status; an order starts the clock."""
    before = opt_in_requests(number)
    requests = before.model_copy(update={"last": last, "issued_at": issued_at or before.issued_at})
    after = number.model_copy(update={"opt_in": requests})
    if number.state in SETTLED:
        return after
    is_pending = last is OptInStatus.OUT or requests.unanswered > 0
    state = ConsentState.PENDING if is_pending else ConsentState.NONE
    return after.model_copy(update={"state": state})
