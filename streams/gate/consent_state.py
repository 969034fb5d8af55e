"""How a claim changes the consent of a number.

Theory of operation
-------------------
Consent belongs to a tenant and a number.  It is none, pending (we asked), opted in or opted out.

A STOP counts whenever it comes.  An opt-in counts if it brings its evidence and is later than the
opt-out.  "Later" is by the broker's append time, which nobody can backdate; so an opt-in that was
under way when the STOP came lifts nothing.

Each change raises the number's epoch.  Orders carry the epoch that they were issued under, and the
Stops that we publish carry the new one: dispatch cancels every order with a lower epoch, at every
sender that ever texted the number.

Scope.  A STOP stops all texts of the tenant.  A tenant may choose `stop_scope: sender`; then a STOP
from somebody who has opted in stops only the sender that it was written to.  Those senders are kept
in `NumberState.stopped_senders`, and those that the carrier blocks in
`NumberState.blocked_senders`.  A later START to such a sender lifts its own entry, and the
carrier's too, for the carrier has read it as well.  A form with evidence lifts its own entry only:
the carrier knows nothing of it. A STOP in other words than a keyword always stops the tenant, and
staff may lift it (`flagged`).

What may be a STOP changes no consent.  It is in question (`NumberState.question`): automatic texts
wait until staff have read it.  Any opt-out answers it, and so does a later opt-in of the
recipient's own (`revocation_question`).

An unreadable record may have been a STOP, so it blocks the number (`unreadable_ms`).  A later text
from the recipient settles it, or a member of staff who has looked at the record.  An opt-in on
record does not, as it lifts no STOP either.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.blank_text import is_blank
from schemas.consent import ConsentAction, ConsentSource, ConsentState
from schemas.consent_dates import AHEAD_AT_MOST, is_placeholder, why_no_proof
from schemas.tenant_settings import StopScope
from streams.gate.consent_claims import CLAIMED_INBOUND, Claim
from streams.gate.state import SENDERS_AT_MOST, NumberState

TAKES_AWAY: Final = frozenset(
    {ConsentAction.OPT_OUT, ConsentAction.UNREADABLE, ConsentAction.MAYBE_REVOKED}
)


class ClaimResult(NamedTuple):
    number: NumberState
    applied: bool
    """It changed what may be sent."""
    reason: str
    """Why it did, or did not."""
    stop_at: tuple[str, ...] = ()
    """The senders that need a Stop."""
    recall_at: tuple[str, ...] = ()
    """The senders that need a Recall."""


def apply_claim(
    number: NumberState, claim: Claim, scope: StopScope = StopScope.TENANT
) -> ClaimResult:
    if claim.action == ConsentAction.OPT_IN:
        return _opt_in(number, claim)
    if claim.action == ConsentAction.RESOLVED:
        return _resolve(number, claim)
    if claim.action == ConsentAction.GO_ON:
        return _go_on(number, claim)
    if claim.sender and claim.source == ConsentSource.CARRIER:
        reason = (
            f"the carrier blocks texts from {claim.sender} to this number; "
            "our records did not show it"
        )
        return _stop_sender(number, claim, "blocked_senders", reason)
    if not claim.sender or scope is StopScope.TENANT or claim.flagged:
        return _opt_out(number, claim)
    if number.state is ConsentState.OPTED_IN:
        return _stop_sender(
            number, claim, "stopped_senders", f"opted out of texts from {claim.sender}"
        )
    result = _opt_out(number, claim)
    return result._replace(number=_note_sender(result.number, claim, "stopped_senders"))


def block(number: NumberState, claim: Claim) -> ClaimResult:
    """A record could not be read: what was decided before must not leave either."""
    update = {
        "unreadable_ms": max(number.unreadable_ms, claim.at_ms, 1),
        "epoch": number.epoch + 1,
    }
    reason = "a record could not be read: nothing is sent until somebody has looked"
    return ClaimResult(number.model_copy(update=update), True, reason, number.senders)


# --- opting out


def _opt_out(number: NumberState, claim: Claim) -> ClaimResult:
    since = max(number.since_ms, claim.at_ms)
    if number.state is ConsentState.OPTED_OUT:
        update = {"since_ms": since, "flagged": number.flagged and claim.flagged}
        return ClaimResult(number.model_copy(update=update), False, "had opted out already")
    reason = "opted out"
    if claim.flagged:
        reason = f"opted out in other words ({claim.read_by}): to be confirmed or lifted"
    after = _set_state(number, ConsentState.OPTED_OUT, since, claim)
    return ClaimResult(after.model_copy(update={"question": None}), True, reason, number.senders)


def _stop_sender(number: NumberState, claim: Claim, field: str, reason: str) -> ClaimResult:
    """Stop what this sender sends, and nothing else."""
    assert claim.sender
    after = _note_sender(number, claim, field)
    if claim.sender in (getattr(number, field) or {}):
        return ClaimResult(after, False, f"had been so already: {reason}")
    after = after.model_copy(update={"epoch": number.epoch + 1})
    return ClaimResult(after, True, reason, (claim.sender,))


def _note_sender(number: NumberState, claim: Claim, field: str) -> NumberState:
    """Remember that this sender was stopped, even if all are: a START to another sender lifts
    that one only."""
    assert claim.sender
    known: dict[str, int] = getattr(number, field) or {}
    times = {**known, claim.sender: max(claim.at_ms, known.get(claim.sender, 0))}
    newest = sorted(times, key=lambda sender: (times[sender], sender))[-SENDERS_AT_MOST:]
    return number.model_copy(update={field: {sender: times[sender] for sender in newest}})


# --- opting in


def _opt_in(number: NumberState, claim: Claim) -> ClaimResult:
    if missing := missing_evidence(number, claim):
        return ClaimResult(number, False, missing)
    is_out = number.state is ConsentState.OPTED_OUT
    if is_out and (claim.at_ms <= number.since_ms or claim.stated_ms < number.since_ms):
        return ClaimResult(number, False, "not later than the opt-out that stands")
    since = max(number.since_ms, claim.at_ms)
    settles_unreadable = (
        number.unreadable_ms
        and claim.source == ConsentSource.INBOUND
        and claim.at_ms > number.unreadable_ms
    )
    answers_question = (
        number.question is not None
        and may_reverse_opt_out(claim)
        and claim.stated_ms > number.question.since_ms
    )
    settled = number.model_copy(update={"unreadable_ms": 0}) if settles_unreadable else number
    if answers_question:
        settled = settled.model_copy(update={"question": None})
    lifted = _lift_senders(settled, claim)
    if number.state is not ConsentState.OPTED_IN:
        after = _set_state(lifted, ConsentState.OPTED_IN, since, claim)
        return ClaimResult(after, True, "opted in")
    if settles_unreadable:
        after = _set_state(lifted, number.state, since, claim)
        return ClaimResult(after, True, "opted in, after an unreadable record")
    if answers_question:
        after = _set_state(lifted, number.state, since, claim)
        return ClaimResult(after, True, "opted in, after what may have been an opt-out")
    if lifted is not settled:
        after = _set_state(lifted, number.state, since, claim)
        return ClaimResult(after, True, f"opted in to texts from {claim.sender or 'all'} again")
    after = number.model_copy(update={"since_ms": since})
    return ClaimResult(after, False, "had opted in already")


def _lift_senders(number: NumberState, claim: Claim) -> NumberState:
    """Lift the stops of single senders that this opt-in answers: those of its own sender, or of all
    if it names none.

    The carrier's blocks are lifted by a text only: the carrier has read it too."""
    if not may_reverse_opt_out(claim):
        return number
    before = {"stopped_senders": number.stopped_senders or {}}
    if claim.source == ConsentSource.INBOUND:
        before["blocked_senders"] = number.blocked_senders or {}
    after = {
        field: {
            sender: at
            for sender, at in times.items()
            if claim.sender not in (sender, None) or at >= claim.stated_ms
        }
        for field, times in before.items()
    }
    return number if after == before else number.model_copy(update=after)


def _resolve(number: NumberState, claim: Claim) -> ClaimResult:
    """Staff, by name, say that the unreadable record changes nothing: what stood before it
    stands again."""
    if claim.source != ConsentSource.MANUAL or not claim.evidence.actor:
        reason = "only staff can resolve what could not be read, and say who they are"
        return ClaimResult(number, False, reason)
    if not number.unreadable_ms:
        reason = "there is nothing to resolve"
        if number.question is not None:
            reason = "every record could be read; sayso consent go-on answers what is in question"
        return ClaimResult(number, False, reason)
    if claim.at_ms <= number.unreadable_ms:
        return ClaimResult(number, False, "not later than the record that could not be read")
    after = number.model_copy(update={"unreadable_ms": 0, "epoch": number.epoch + 1})
    reason = "somebody has looked at what could not be read: it changes nothing"
    return ClaimResult(after, True, reason)


def _go_on(number: NumberState, claim: Claim) -> ClaimResult:
    """Staff, by name, have read what may have been an opt-out: it was none."""
    if claim.source != ConsentSource.MANUAL or is_blank(claim.evidence.actor):
        reason = "only staff can say that texts go on, and who they are"
        return ClaimResult(number, False, reason)
    if number.question is None:
        return ClaimResult(number, False, "nothing is in question")
    if claim.at_ms <= number.question.since_ms:
        return ClaimResult(number, False, "not later than what is in question")
    after = number.model_copy(update={"question": None})
    return ClaimResult(after, True, "somebody has read it: it was no opt-out")


def _set_state(number: NumberState, state: ConsentState, since: int, claim: Claim) -> NumberState:
    update = {
        "state": state,
        "epoch": number.epoch + 1,
        "since_ms": since,
        "source": claim.source,
        "flagged": claim.flagged,
        "had_opted_in": (number.state is ConsentState.OPTED_IN) if claim.flagged else None,
    }
    return number.model_copy(update=update)


# --- the evidence that an opt-in needs

FieldGroups = tuple[tuple[str, ...], ...]
"""Fields of the evidence: at least one of each group."""


class EvidenceRule(NamedTuple):
    needs: FieldGroups = ()
    reversal_needs: FieldGroups | None = None
    """What it needs besides to reverse an opt-out; None: it cannot."""


SHOWN: Final = ("wording", "document", "url")
BY_STAFF: Final = EvidenceRule(needs=(("document",), ("actor",)))
EVIDENCE_RULES: Final[Mapping[str, EvidenceRule]] = {
    ConsentSource.INBOUND: EvidenceRule(reversal_needs=()),
    ConsentSource.FORM: EvidenceRule(reversal_needs=(SHOWN,)),
    ConsentSource.IMPORT: EvidenceRule(needs=((*SHOWN, "origin"),)),
    ConsentSource.MANUAL: BY_STAFF,
}
"""By source.  Any other source is treated as staff."""

NEVER_OPTS_IN: Final = {
    CLAIMED_INBOUND: "only a text from the number itself can bring an opt-in by text",
    ConsentSource.WEB_FORM: "a web form that nobody has verified opts nobody in",
}
ONLY_THE_RECIPIENT: Final = (
    "they opted out: only they can come back, by texting START or by a form with evidence"
)


def missing_evidence(number: NumberState, claim: Claim) -> str:
    """Why this opt-in does not count, whatever its time; empty if it does."""
    if claim.source in NEVER_OPTS_IN:
        return NEVER_OPTS_IN[claim.source]
    if number.state is ConsentState.OPTED_OUT and not may_reverse_opt_out(claim):
        by_named_staff = claim.source == ConsentSource.MANUAL and claim.evidence.actor
        if not (number.flagged and by_named_staff):
            return ONLY_THE_RECIPIENT
        if number.had_opted_in:
            return ""
    if problem := _why_no_proof(claim):
        return problem
    rule = EVIDENCE_RULES.get(claim.source, BY_STAFF)
    missing = _missing_groups(rule.needs, claim.evidence)
    if not missing:
        return ""
    return f"no proof: give {' and '.join(' or '.join(group) for group in missing)}"


def _why_no_proof(claim: Claim) -> str:
    """A date on which nobody can have said yes.  A text from the number itself has the time at
    which it came."""
    if claim.source == ConsentSource.INBOUND:
        return ""
    came_at = datetime.fromtimestamp(claim.at_ms / 1000, UTC)
    problem = why_no_proof(claim.claimed_at, came_at, ahead=AHEAD_AT_MOST)
    return f"no proof: its date {problem}" if problem else ""


def may_reverse_opt_out(claim: Claim) -> bool:
    """Whether this opt-in is the recipient's own act, with the evidence that it needs."""
    needs = EVIDENCE_RULES.get(claim.source, BY_STAFF).reversal_needs
    return needs is not None and not _missing_groups(needs, claim.evidence)


def _missing_groups(groups: FieldGroups, evidence: Evidence) -> FieldGroups:
    return tuple(
        group
        for group in groups
        if all(_proves_nothing(field, getattr(evidence, field)) for field in group)
    )


_REFERENCES: Final = frozenset({"document", "origin"})


def _proves_nothing(field: str, said: str | None) -> bool:
    """Blanks prove nothing, nor does `n/a` where a proof should be named."""
    return said is None or is_blank(said) or (field in _REFERENCES and is_placeholder(said))
