"""One number out of two: what was known under each of two writings.

The stricter of two facts holds.  An opt-out from one writing stands against an opt-in from the
other, unless that opt-in is a later text of the recipient's own: nothing else lifts a STOP without
its evidence, which is in the log and not in the state.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from schemas.consent import ConsentSource, ConsentState
from streams.gate.state import (
    SENDERS_AT_MOST,
    HelpReplies,
    NumberState,
    OptInRequests,
    ProcessedClaim,
    RevocationQuestion,
)
from streams.processing import StateStore

T = TypeVar("T")

_RANK: Final = (
    ConsentState.NONE,
    ConsentState.PENDING,
    ConsentState.OPTED_IN,
    ConsentState.OPTED_OUT,
)
DAYS_AT_MOST: Final = 3


def came_by_text(store: StateStore, number: NumberState) -> bool:
    """Whether a text of the recipient's own is what `since_ms` dates.  The ids of such texts are
    kept for good."""
    if number.state is not ConsentState.OPTED_IN or number.source != ConsentSource.INBOUND:
        return False
    claims = (store.get(name, ProcessedClaim) for name in store.names("in/"))
    return any(claim is not None and claim.at_ms == number.since_ms for claim in claims)


def merge_numbers(
    mine: NumberState, other: NumberState, *, mine_by_text: bool, other_by_text: bool
) -> NumberState:
    """`mine` with all that is known of `other`; the epoch is above both."""
    standing = _standing(mine, other, mine_by_text=mine_by_text, other_by_text=other_by_text)
    both_out = mine.state is other.state is ConsentState.OPTED_OUT
    senders = tuple(dict.fromkeys((*other.senders, *mine.senders)))[-SENDERS_AT_MOST:]
    facts: dict[str, Any] = {
        "state": standing.state,
        "source": standing.source,
        "since_ms": max(mine.since_ms, other.since_ms) if both_out else standing.since_ms,
        "flagged": mine.flagged and other.flagged if both_out else standing.flagged,
        "had_opted_in": standing.had_opted_in,
        "epoch": max(mine.epoch, other.epoch) + 1,
        "unreadable_ms": max(mine.unreadable_ms, other.unreadable_ms),
        "latest_ms": max(mine.latest_ms, other.latest_ms),
        "senders": senders,
        "sender": mine.sender or other.sender,
        "sms_enabled": _strict(mine.sms_enabled, other.sms_enabled, False),
        "switches": _merge_switches(mine.switches, other.switches),
        "type": mine.type or other.type,
        "time_zone": mine.time_zone or other.time_zone,
        "postal_region": mine.postal_region or other.postal_region,
        "landline": _first(mine.landline, other.landline),
        "doubtful": _first(mine.doubtful, other.doubtful),
        "suppressed": _first(mine.suppressed, other.suppressed),
        "unreachable": tuple(sorted({*mine.unreachable, *other.unreachable}))[-DAYS_AT_MOST:],
        "texted_ms": _merge_times(mine.texted_ms, other.texted_ms),
        "opt_in": _later_request(mine.opt_in, other.opt_in),
        "stopped_senders": _merge_senders(mine.stopped_senders, other.stopped_senders),
        "blocked_senders": _merge_senders(mine.blocked_senders, other.blocked_senders),
        "question": _open_question(standing, mine, other),
        "help_replies": _later_help(mine.help_replies, other.help_replies),
        "unmonitored_replies": _later_help(mine.unmonitored_replies, other.unmonitored_replies),
        "by_hand_ms": max(mine.by_hand_ms, other.by_hand_ms),
    }
    return mine.model_copy(update=facts)


def _standing(
    mine: NumberState, other: NumberState, *, mine_by_text: bool, other_by_text: bool
) -> NumberState:
    first, second = sorted((mine, other), key=lambda one: (_RANK.index(one.state), one.since_ms))
    if second.state is ConsentState.OPTED_OUT and first.state is ConsentState.OPTED_IN:
        by_text = mine_by_text if first is mine else other_by_text
        if by_text and first.since_ms > second.since_ms:
            return first
    return second


def _open_question(
    standing: NumberState, mine: NumberState, other: NumberState
) -> RevocationQuestion | None:
    """The one that ends first; an opt-out answers it."""
    if standing.state is ConsentState.OPTED_OUT:
        return None
    found = [one.question for one in (mine, other) if one.question is not None]
    return min(found, key=lambda question: question.opt_out_at, default=None)


def _first(mine: T | None, other: T | None) -> T | None:
    return other if mine is None else mine


def _strict(mine: bool | None, other: bool | None, strict: bool) -> bool | None:
    return strict if strict in (mine, other) else _first(mine, other)


def _merge_switches(mine: dict[str, bool], other: dict[str, bool]) -> dict[str, bool]:
    return {person: mine.get(person, True) and other.get(person, True) for person in (other | mine)}


def _merge_senders(
    mine: dict[str, int] | None, other: dict[str, int] | None
) -> dict[str, int] | None:
    if not mine or not other:
        return mine or other
    return {
        sender: max(mine.get(sender, 0), other.get(sender, 0)) for sender in sorted({*mine, *other})
    }


def _merge_times(
    mine: dict[str, tuple[int, ...]] | None, other: dict[str, tuple[int, ...]] | None
) -> dict[str, tuple[int, ...]] | None:
    """By kind the latest, as many as the longer list has."""
    if not mine or not other:
        return mine or other
    merged: dict[str, tuple[int, ...]] = {}
    for kind in sorted({*mine, *other}):
        ours, theirs = mine.get(kind, ()), other.get(kind, ())
        merged[kind] = tuple(sorted((*ours, *theirs)))[-max(len(ours), len(theirs)) :]
    return merged


def _later_request(mine: OptInRequests | None, other: OptInRequests | None) -> OptInRequests | None:
    """The last one that went out sets the pause before the next; the count only grows, for it is
    part of ids."""
    if mine is None or other is None:
        return mine or other
    latest = max((other, mine), key=lambda one: one.issued_at.timestamp() if one.issued_at else 0.0)
    return latest.model_copy(update={"count": max(mine.count, other.count)})


def _later_help(mine: HelpReplies | None, other: HelpReplies | None) -> HelpReplies | None:
    if mine is None or other is None:
        return mine or other
    return HelpReplies(times=max(mine.times, other.times), at=max(mine.at, other.at))
