"""What would become of one text, without sending it: the verdict, why, when, in which form, at what
price.

The gate's own rules say so, on what the ledger knows of the number (`known_number`).  People's own
choice finds the number of a person.  `rests_on` names the facts that the answer was made from.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.decision import Finding, Verdict
from schemas.person import Person, PersonRequest
from schemas.send import Priority
from schemas.send_request import Resolved, SendRequest
from schemas.sender import SenderState
from schemas.tenant_settings import TenantSettings
from services.ledger import Ledger
from services.ledger.cases import find_settings
from services.ledger.people import find_person
from services.ledger.sender_overview import SenderOverview, list_senders
from services.operations.known_number import KnownNumber, read_known_number
from services.operations.submission import Known, compare_with_known
from streams.encoding.body import MAX_BODY
from streams.encoding.segments import count_segments
from streams.gate.messages import PRIORITIES
from streams.gate.opt_in_state import may_ask_automatically
from streams.gate.rule_context import RuleContext, build_context
from streams.gate.rules import Evaluation, evaluate
from streams.people.number_choice import Reasons, choose_number
from streams.processing import Settings, build_settings
from streams.reasons import NOT_OPTED_IN, end_test
from streams.usage.measure import find_price, local_day

LOOKS_AHEAD: Final = 10
"""Times that the clock is put forward to where a hold ends, to see whether it may go then."""


class Fact(NamedTuple):
    """Something that the answer rests on.  `what`: settings, person, consent, number_facts, texts
    or sender."""

    what: str
    says: str


class TextPreview(NamedTuple):
    verdict: Verdict
    """The gate's, if it came to it now."""
    findings: tuple[Finding, ...]
    known: Known
    """Whether its message id was used before; then nothing new would go."""
    to: str | None
    """In E.164; None: people would find no number."""
    sender: str | None
    body: str
    """As it would be sent."""
    segments: int
    departs_at: datetime | None
    """When it may leave, if nothing else changes; None: it does not go by itself."""
    queue_seconds: float | None
    """How long the sender's queue before it takes now, at most; None: the sender is paused, or
    nobody knows."""
    asks_for_opt_in: bool
    """The recipient would be asked to opt in."""
    micros: int | None
    """What it costs, in millionths of `currency`; None: there is no price."""
    currency: str | None
    rests_on: tuple[Fact, ...]


def preview_text(
    ledger: Ledger, request: SendRequest | PersonRequest, now: datetime
) -> TextPreview:
    """As if the request came to Sayso now."""
    [known] = compare_with_known(ledger, [request])
    tenant = find_settings(ledger, request.tenant)
    senders = {one.sender: one for one in list_senders(ledger)}
    declared = {name: one.settings for name, one in senders.items() if one.settings is not None}
    settings = build_settings({request.tenant: tenant} if tenant else {}, declared)
    facts = [_describe_settings(tenant)]
    if isinstance(request, PersonRequest):
        person = find_person(ledger, request.tenant, request.person_id)
        facts.append(_describe_person(person))
        choice = choose_number(person, request, tenant.number_types if tenant else ())
        if not isinstance(choice, str):
            return _without_number(request, choice, known, facts)
        request = _resolve(request, choice, person, now)
    number = read_known_number(ledger, request.tenant, request.number)
    context = _build_context(request, number, settings, now)
    evaluation = evaluate(context)
    facts += [*_describe_number(number), _describe_sender(senders.get(context.sender))]
    verdict, findings = evaluation.verdict, evaluation.findings
    departs_at = _find_departure(context, evaluation)
    if request.test_mode:
        verdict, findings, departs_at = Verdict.CANCEL, end_test(verdict, findings), None
    body = context.request.body
    size = count_segments(body) if len(body) <= MAX_BODY else 0
    zone_day = local_day(departs_at or now, tenant.zone) if tenant else (departs_at or now).date()
    price = find_price(request.tenant, context.sender, context.to, zone_day, settings)
    return TextPreview(
        verdict,
        findings,
        known,
        context.to,
        context.sender or None,
        body,
        size,
        departs_at,
        _measure_queue(senders.get(context.sender), request.kind),
        _asks_for_opt_in(context, evaluation),
        price.micros * size if price else None,
        price.currency if price else None,
        tuple(facts),
    )


def _build_context(
    request: SendRequest, number: KnownNumber, settings: Settings, now: datetime
) -> RuleContext:
    undo = request.undo_seconds
    undo_until = None if undo is None else now + timedelta(seconds=undo)
    return build_context(request, number.state, now, now, settings, undo_until=undo_until)


def _resolve(
    request: PersonRequest, number: str, person: Person | None, now: datetime
) -> SendRequest:
    """As people would issue it."""
    names = SendRequest.model_fields.keys() & PersonRequest.model_fields.keys() - {"to"}
    fields = {name: getattr(request, name) for name in names}
    if person is not None:
        fields["time_zone"] = request.time_zone or person.time_zone
        fields["postal_region"] = request.postal_region or person.postal_region
    resolved = Resolved(person_id=request.person_id, request_id=request.message_id, received_at=now)
    return SendRequest(**fields, to=number, resolved=resolved)


def _without_number(
    request: PersonRequest, reasons: Reasons, known: Known, facts: Iterable[Fact]
) -> TextPreview:
    findings = tuple(one.finding(Verdict.HOLD) for one in reasons)
    verdict = Verdict.HOLD
    if request.test_mode:
        verdict, findings = Verdict.CANCEL, end_test(verdict, findings)
    size = count_segments(request.body) if len(request.body) <= MAX_BODY else 0
    return TextPreview(
        verdict=verdict,
        findings=findings,
        known=known,
        to=None,
        sender=None,
        body=request.body,
        segments=size,
        departs_at=None,
        queue_seconds=None,
        asks_for_opt_in=False,
        micros=None,
        currency=None,
        rests_on=tuple(facts),
    )


def _find_departure(context: RuleContext, evaluation: Evaluation) -> datetime | None:
    """The clock is put forward to the end of each hold that the clock ends."""
    for _ in range(LOOKS_AHEAD):
        if evaluation.verdict is Verdict.SEND:
            return context.now
        if evaluation.verdict is not Verdict.HOLD or evaluation.until is None:
            return None
        context = context._replace(now=evaluation.until)
        evaluation = evaluate(context)
    return None


def _asks_for_opt_in(context: RuleContext, evaluation: Evaluation) -> bool:
    return (
        evaluation.verdict is Verdict.HOLD
        and NOT_OPTED_IN.rule in evaluation.rules
        and not context.request.test_mode
        and may_ask_automatically(context.number, context.now)
    )


def _measure_queue(sender: SenderOverview | None, kind: str) -> float | None:
    """What is of its priority or a higher one goes first, at most all of it."""
    if sender is None or not sender.pace:
        return None
    if sender.status is None:
        return 0.0
    if sender.status.state is not SenderState.RUNNING:
        return None
    order = list(Priority)
    mine = order.index(PRIORITIES.get(kind, Priority.MARKETING))
    ahead = [one for one in sender.status.queued if order.index(one.lane) <= mine]
    return sum(one.segments for one in ahead) / sender.pace


# What it rests on.


def _describe_settings(tenant: TenantSettings | None) -> Fact:
    return Fact("settings", f"version {tenant.version}" if tenant else "the tenant has none")


def _describe_person(person: Person | None) -> Fact:
    if person is None:
        return Fact("person", "nobody is on record")
    return Fact("person", f"{len(person.numbers)} numbers, as of {person.at.isoformat()}")


def _describe_number(number: KnownNumber) -> list[Fact]:
    status = number.status
    consent = "nothing is on record"
    if status is not None:
        consent = f"{status.state}, entry {status.log_seq or 0} of the consent log"
    return [
        Fact("consent", consent),
        Fact("number_facts", f"{number.facts} on record"),
        Fact("texts", f"{number.texts} let go to the number before"),
    ]


def _describe_sender(sender: SenderOverview | None) -> Fact:
    if sender is None or sender.status is None:
        return Fact("sender", "nothing was sent from it yet")
    status = sender.status
    return Fact("sender", f"{status.state}, as of {status.at.isoformat()}")
