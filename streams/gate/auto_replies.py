"""One reply to a STOP, a START or a HELP that came as a text, unless the carrier replies by itself;
and how to opt in, for somebody who answered an opt-in request without a keyword.

The sentences follow the CTIA Messaging Principles 5.1; Twilio's own replies say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.consent import ConsentAction, ConsentSource, ConsentState
from schemas.inbound import Reply
from schemas.send_request import SystemKind
from schemas.tenant_settings import TenantSettings
from streams.dedup import DedupEntry, dedup_name, forget_at, is_duplicate
from streams.gate import opt_in_state
from streams.gate.actions import PendingRequest, build_system_request
from streams.gate.consent_claims import (
    Claim,
    find_append_ms,
    is_answer_to_request,
    is_answered,
)
from streams.gate.evaluation import evaluate_request
from streams.gate.state import HelpReplies, StepBuilder
from streams.inbound_keywords import is_carrier_word, is_soft_yes
from streams.processing import InputRecord, Settings

WITHIN: Final = timedelta(minutes=5)
"""A reply goes so soon or not at all: a later confirmation counts as one more text against the
recipient's will (47 CFR 64.1200(a)(12))."""

HINT_WITHIN: Final = timedelta(days=1)
"""How to opt in is of no use later; it may wait for the morning."""

HELP_EVERY: Final = timedelta(minutes=5)
"""From one reply to HELP to the next, per number: two machines must not keep each other talking."""


# --- the sentences


def stop_text(tenant: TenantSettings) -> str:
    return (
        f"{_company(tenant)}: you are unsubscribed and will get no more texts. "
        "Reply START to get them again."
    )


def sender_stop_text(tenant: TenantSettings) -> str:
    return (
        f"{_company(tenant)}: you will get no more texts from this number. "
        "Reply START to get them again."
    )


def start_text(tenant: TenantSettings) -> str:
    about = tenant.consent_request
    return (
        f"{_company(tenant)}: you will get texts about {about.purpose}. {about.frequency} "
        f"{about.rates} Reply HELP for help, STOP to opt out."
    )


def help_text(tenant: TenantSettings) -> str:
    contact = f" Contact: {tenant.contact}." if tenant.contact else ""
    about = tenant.consent_request
    return (
        f"{_company(tenant)}: texts about {about.purpose}.{contact} {about.rates} "
        "Reply STOP to opt out."
    )


def hint_text(tenant: TenantSettings) -> str:
    return (
        f"{_company(tenant)}: reply START to get texts about {tenant.consent_request.purpose}. "
        "Reply HELP for help, STOP to opt out."
    )


UNMONITORED: Final = "This number isn't monitored. Please contact {whom}."


def contact_text(tenant: TenantSettings) -> str:
    contact = tenant.contact.strip().rstrip(".")
    whom = f"{tenant.name} at {contact}" if contact else tenant.name
    return UNMONITORED.format(whom=whom)


def _company(tenant: TenantSettings) -> str:
    return tenant.consent_request.company or tenant.name


# --- confirmations


class Confirmation(NamedTuple):
    kind: SystemKind
    text: Callable[[TenantSettings], str]


STOPPED: Final = Confirmation(SystemKind.STOP_CONFIRMATION, stop_text)
SENDER_STOPPED: Final = Confirmation(SystemKind.STOP_CONFIRMATION, sender_stop_text)
"""If the tenant's other senders go on."""
STARTED: Final = Confirmation(SystemKind.START_CONFIRMATION, start_text)


def send_confirmation(step: StepBuilder, claim: Claim) -> None:
    """Only what changed something is confirmed, so there is one confirmation however often they
    write STOP."""
    confirmation = _select_confirmation(step, claim)
    tenant = step.settings.tenants.get(step.tenant_id)
    if confirmation is None or tenant is None or claim.source != ConsentSource.INBOUND:
        return
    if claim.is_answered:
        return
    if not _is_ours_to_answer(claim.sender, claim.evidence.text or "", step.settings):
        return
    pending = build_system_request(
        confirmation.kind,
        step.number.epoch,
        tenant,
        confirmation.text(tenant),
        phone=step.phone,
        sender=claim.sender or "",
        cause=claim.cause,
        now=step.now,
        valid_until=datetime.fromtimestamp(claim.at_ms / 1000, UTC) + WITHIN,
    )
    evaluate_request(step, pending)


def _select_confirmation(step: StepBuilder, claim: Claim) -> Confirmation | None:
    if claim.action == ConsentAction.OPT_IN:
        return STARTED
    if claim.action != ConsentAction.OPT_OUT:
        return None
    return STOPPED if step.number.state is ConsentState.OPTED_OUT else SENDER_STOPPED


class AutoReply(NamedTuple):
    kind: SystemKind
    ordinal: int
    """Which one it is for this number, of its kind."""
    text: str
    within: timedelta
    """Later it is not sent."""


def on_help(step: StepBuilder, record: InputRecord, tenant: TenantSettings) -> None:
    """HELP changes no consent.  We reply once by the provider's id, and not in quick succession."""
    reply: Reply = record.value
    sender = step.settings.senders.get(reply.sender)
    if is_answered(reply, sender) or not _is_ours_to_answer(
        reply.sender, reply.body, step.settings
    ):
        return
    last = step.number.help_replies
    if is_duplicate(step.store, _id_of(reply)) or (last and step.now - last.at < HELP_EVERY):
        return
    times = last.times + 1 if last else 1
    helped = HelpReplies(times=times, at=step.now)
    step.number = step.number.model_copy(update={"help_replies": helped})
    answer = AutoReply(SystemKind.HELP_ANSWER, times, help_text(tenant), WITHIN)
    _reply_once(step, record, tenant, answer)


def on_text(step: StepBuilder, record: InputRecord, tenant: TenantSettings) -> None:
    """A text for people.  "ok" is no consent: once for each opt-in request we say how to opt
    in."""
    reply: Reply = record.value
    requests = opt_in_state.opt_in_requests(step.number)
    if (
        requests.hinted
        or not is_answer_to_request(step.number, find_append_ms(record))
        or not is_soft_yes(reply.body)
        or is_duplicate(step.store, _id_of(reply))
    ):
        return
    hinted = requests.model_copy(update={"hinted": True})
    step.number = step.number.model_copy(update={"opt_in": hinted})
    hint = AutoReply(SystemKind.OPT_IN_HINT, requests.count, hint_text(tenant), HINT_WITHIN)
    _reply_once(step, record, tenant, hint)


def build_reply(
    step: StepBuilder, record: InputRecord, tenant: TenantSettings, answer: AutoReply
) -> PendingRequest:
    reply: Reply = record.value
    return build_system_request(
        answer.kind,
        answer.ordinal,
        tenant,
        answer.text,
        phone=step.phone,
        sender=reply.sender,
        cause=record.evidence,
        now=step.now,
        valid_until=record.at + answer.within,
    )


def _reply_once(
    step: StepBuilder, record: InputRecord, tenant: TenantSettings, answer: AutoReply
) -> None:
    evaluate_request(step, build_reply(step, record, tenant, answer))
    note_reply(step, record)


def note_reply(step: StepBuilder, record: InputRecord) -> None:
    """A repeat of the inbound text is not answered again."""
    replied = DedupEntry(at_ms=record.at_ms)
    step.put(_id_of(record.value), replied, forget_at(step.now, for_good=False))


def _id_of(reply: Reply) -> str:
    return dedup_name("in", reply.provider_id)


def _is_ours_to_answer(sender: str | None, body: str, settings: Settings) -> bool:
    """No carrier replies to other words than its own, nor to those of other languages."""
    known = settings.senders.get(sender or "")
    return known is not None and not (known.carrier_answers and is_carrier_word(body))
