"""The states of a message, as one table: what each means, and which report leads to it.

The outcomes processor decides by this table.  The diagram in the docs and the equation of
reconciliation are made from it.

A message's *decisions* say whether it may go: the one with the highest `seq` holds.  An *attempt's*
state is that of the strongest report about it, in the order of `REPORTS`, so that neither order nor
repetition of reports matters.  First come our own actions, then what the provider accepted, then
what ended the attempt.  Among the ends `delivered` is stronger than `undelivered`, `failed` and
`canceled`.  A handset's confirmation is proof, while a failure reported beside it is at best a
guess, and to believe the failure would send the text twice.  The contradiction stays in the state
entry as evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple


class State(StrEnum):
    HELD = "held"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELED = "canceled"
    QUEUED = "queued"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    DEFERRED = "deferred"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"
    READ = "read"


class Group(StrEnum):
    """How reconciliation counts a message."""

    WAITING = "waiting"
    NOT_SENT = "not sent"
    REFUSED = "refused"
    OUT = "out"


class StateInfo(NamedTuple):
    group: Group
    final: bool
    """No later report is expected to change it; one that comes all the same still counts."""
    description: str


STATE_INFO: Final[Mapping[State, StateInfo]] = MappingProxyType(
    {
        State.HELD: StateInfo(
            Group.WAITING, False, "waits at the gate: for consent, an approval, the morning"
        ),
        State.REJECTED: StateInfo(Group.NOT_SENT, True, "the gate said no"),
        State.EXPIRED: StateInfo(Group.NOT_SENT, True, "its time passed before it could go"),
        State.CANCELED: StateInfo(
            Group.NOT_SENT, True, "taken back, or stopped by the recipient, before it went"
        ),
        State.QUEUED: StateInfo(Group.WAITING, False, "may go, and waits its turn at the sender"),
        State.SENDING: StateInfo(Group.WAITING, False, "the call to the provider is under way"),
        State.IN_DOUBT: StateInfo(
            Group.WAITING, False, "the call was cut off: it may or may not have been taken"
        ),
        State.DEFERRED: StateInfo(
            Group.WAITING, False, "known not to have been taken; it will be tried again"
        ),
        State.REFUSED: StateInfo(Group.REFUSED, True, "the provider did not take it, and said why"),
        State.ACCEPTED: StateInfo(Group.OUT, False, "the provider has it"),
        State.SENT: StateInfo(Group.OUT, False, "the provider has given it to the carrier"),
        State.UNKNOWN: StateInfo(
            Group.OUT,
            False,
            "72 hours without a final report, or an in-doubt attempt that nobody settled",
        ),
        State.FAILED: StateInfo(Group.OUT, True, "the provider could not send it"),
        State.UNDELIVERED: StateInfo(Group.OUT, True, "the carrier says that it did not arrive"),
        State.DELIVERED: StateInfo(Group.OUT, True, "the carrier says that it arrived"),
        State.READ: StateInfo(Group.OUT, True, "the recipient has opened it"),
    }
)


class Transition(NamedTuple):
    """One kind of report, and the state that it leads to."""

    source: str
    word: str
    state: State
    usually_from: tuple[str, ...]
    """For the diagram: the states in which it is expected ("" is the beginning).  It may arrive in
    any state."""


DECISION = "gate"
ATTEMPT = "dispatch"
RECEIPT = "provider"
CLOCK = "clock"

VERDICTS: Final[tuple[Transition, ...]] = (
    Transition(DECISION, "send", State.QUEUED, ("", State.HELD)),
    Transition(DECISION, "hold", State.HELD, ("",)),
    Transition(DECISION, "reject", State.REJECTED, ("", State.HELD)),
    Transition(DECISION, "expire", State.EXPIRED, ("", State.HELD)),
    Transition(DECISION, "cancel", State.CANCELED, (State.HELD,)),
)

REPORTS: Final[tuple[Transition, ...]] = (
    Transition(ATTEMPT, "queued", State.QUEUED, (State.HELD,)),
    Transition(ATTEMPT, "sending", State.SENDING, (State.QUEUED, State.DEFERRED)),
    Transition(ATTEMPT, "in_doubt", State.IN_DOUBT, (State.SENDING,)),
    Transition(ATTEMPT, "deferred", State.DEFERRED, (State.SENDING, State.IN_DOUBT)),
    Transition(ATTEMPT, "given_up", State.UNKNOWN, (State.IN_DOUBT, State.DEFERRED)),
    Transition(ATTEMPT, "expired", State.HELD, (State.QUEUED, State.DEFERRED, State.IN_DOUBT)),
    Transition(ATTEMPT, "canceled", State.CANCELED, (State.QUEUED, State.DEFERRED, State.IN_DOUBT)),
    Transition(ATTEMPT, "refused", State.REFUSED, (State.SENDING,)),
    Transition(ATTEMPT, "accepted", State.ACCEPTED, (State.SENDING, State.IN_DOUBT)),
    Transition(RECEIPT, "accepted", State.ACCEPTED, (State.IN_DOUBT,)),
    Transition(RECEIPT, "scheduled", State.ACCEPTED, (State.IN_DOUBT,)),
    Transition(RECEIPT, "queued", State.ACCEPTED, (State.IN_DOUBT,)),
    Transition(RECEIPT, "sending", State.ACCEPTED, (State.IN_DOUBT,)),
    Transition(RECEIPT, "sent", State.SENT, (State.IN_DOUBT, State.ACCEPTED)),
    Transition(CLOCK, "72 h", State.UNKNOWN, (State.ACCEPTED, State.SENT)),
    Transition(RECEIPT, "canceled", State.CANCELED, (State.ACCEPTED,)),
    Transition(
        RECEIPT, "failed", State.FAILED, (State.IN_DOUBT, State.ACCEPTED, State.SENT, State.UNKNOWN)
    ),
    Transition(RECEIPT, "partially_delivered", State.UNDELIVERED, (State.SENT, State.UNKNOWN)),
    Transition(
        RECEIPT,
        "undelivered",
        State.UNDELIVERED,
        (State.IN_DOUBT, State.ACCEPTED, State.SENT, State.UNKNOWN),
    ),
    Transition(
        RECEIPT,
        "delivered",
        State.DELIVERED,
        (State.IN_DOUBT, State.ACCEPTED, State.SENT, State.UNKNOWN),
    ),
    Transition(RECEIPT, "read", State.READ, (State.DELIVERED,)),
)
"""Weakest first: a report's index is its strength.  Dispatch's `expired` is an order returned to
the gate, which holds it.  An in-doubt attempt ends as accepted (found), as deferred, expired or
canceled (proven absent, or decided by staff), or as given up."""

TABLE: Final[Mapping[tuple[str, str], Transition]] = MappingProxyType(
    {(one.source, one.word): one for one in (*VERDICTS, *REPORTS)}
)
STRENGTH: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {(one.source, one.word): index for index, one in enumerate(REPORTS)}
)
ACCEPTED_STRENGTH: Final = STRENGTH[ATTEMPT, "accepted"]
"""From this strength on the provider has, or had, the text."""
ARRIVED_STATES: Final = frozenset({State.DELIVERED, State.READ})
NOT_ARRIVED_STATES: Final = frozenset(
    {State.CANCELED, State.REFUSED, State.FAILED, State.UNDELIVERED}
)
CALLED_STATES: Final = frozenset({State.SENDING, State.IN_DOUBT, State.REFUSED, State.UNKNOWN})
"""States of an attempt that no decision can take back, besides those from `ACCEPTED_STRENGTH`
on."""


def stronger_report(before: tuple[str, str] | None, report: tuple[str, str]) -> tuple[str, str]:
    """The stronger of two reports of one attempt."""
    return report if before is None or STRENGTH[report] > STRENGTH[before] else before


def contradicts(end: State, report: tuple[str, str]) -> bool:
    """Whether a report and an end cannot both be true of one attempt: it arrived and did not
    arrive, or it was refused and yet is on its way.  The end stands; the report is kept and
    counted."""
    reported = TABLE[report].state
    if reported is State.REFUSED:
        return STATE_INFO[end].group is Group.OUT
    return end in ARRIVED_STATES and reported in NOT_ARRIVED_STATES


class Reconciliation(NamedTuple):
    """Requested messages against messages accounted for."""

    requested: int
    groups: Mapping[Group, int]
    unaccounted: int
    """0 at rest, when nothing is on its way between processors."""


def states_of(group: Group) -> tuple[State, ...]:
    return tuple(state for state, info in STATE_INFO.items() if info.group is group)


def _term(group: Group) -> str:
    states = states_of(group)
    return (
        group
        if [state.value for state in states] == [group.value]
        else f"{group} ({' + '.join(states)})"
    )


EQUATION: Final = "requested = " + " + ".join(_term(group) for group in Group)
"""The equation of reconciliation, in words."""


def reconcile_states(requested: int, by_state: Mapping[str, int]) -> Reconciliation:
    """Messages in a state that the table does not know are in no group, and so unaccounted."""
    groups = {group: sum(by_state.get(state, 0) for state in states_of(group)) for group in Group}
    return Reconciliation(requested, groups, requested - sum(groups.values()))


def render_diagram() -> str:
    """The table as a Mermaid state diagram: reports between two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for one in (*VERDICTS, *REPORTS):
        for before in one.usually_from:
            words = arrows.setdefault((before or "[*]", one.state), [])
            words.append(f"{one.source} {one.word}")
    transitions = [
        f"    {before} --> {state}: {', '.join(words)}" for (before, state), words in arrows.items()
    ]
    ends = [f"    {state} --> [*]" for state, info in STATE_INFO.items() if info.final]
    return "\n".join(["stateDiagram-v2", *transitions, *ends]) + "\n"


INTRODUCTION: Final = """\
# The states of a message

Generated from `lifecycle.py` by `python -m streams.lifecycle`.

An attempt's state is that of its strongest report, whatever the order of reports and however often
they come. A message's state is that of its decision, or of the attempt that matters most. Arrows
below show where a report is expected. It may come anywhere else too: strength alone decides.
"""


def render_docs() -> str:
    """The docs' page: the states, the diagram, all reports by strength, and the equation."""
    means = [
        f"| `{state}` | {info.group} | {'yes' if info.final else ''} | {info.description} |"
        for state, info in STATE_INFO.items()
    ]
    reports = [
        f"| {strength} | {one.source} {one.word} | `{one.state}` |"
        for strength, one in enumerate(REPORTS)
    ]
    parts = [
        INTRODUCTION,
        "\n".join(["| state | counted as | final | |", "|---|---|---|---|", *means]) + "\n",
        f"```mermaid\n{render_diagram()}```\n",
        "## Reports of an attempt, the weakest first\n",
        "\n".join(["| strength | report | makes it |", "|---|---|---|", *reports]) + "\n",
        f"## Reconciliation\n\n    {EQUATION}\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("LIFECYCLE.md").write_text(render_docs(), "utf-8")
