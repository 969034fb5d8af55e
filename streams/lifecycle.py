"""A message's life, as one table: what each state means, and which report leads to it.

The outcomes room judges by this table; the diagram in the docs and the equation that the books must
satisfy are made from it.

A message's **decisions** say whether it may go: the one with the highest `seq` holds.  An
**attempt's** state is the strongest of what was reported of it, in the order of `REPORTS`, so that
neither order nor repetition matters.  The order is: what we did ourselves; then what the provider
took; then what ended it.  Among the ends `delivered` is above `undelivered`, `failed` and
`canceled`: a handset that confirmed a text is proof, a failure that is reported beside it is at
best a guess about the same text, and believing the failure would send it twice.  The contradiction
stays in the row as evidence.
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
    """Where the books count a message."""

    WAITING = "waiting"
    NOT_SENT = "not sent"
    REFUSED = "refused"
    OUT = "out"


class StateInfo(NamedTuple):
    group: Group
    final: bool
    """No later fact is expected to change it; one that comes all the same still counts."""
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
            Group.OUT, False, "72 hours without a last word, or a doubt that nobody could clear up"
        ),
        State.FAILED: StateInfo(Group.OUT, True, "the provider could not send it"),
        State.UNDELIVERED: StateInfo(Group.OUT, True, "the carrier says that it did not arrive"),
        State.DELIVERED: StateInfo(Group.OUT, True, "the carrier says that it arrived"),
        State.READ: StateInfo(Group.OUT, True, "the recipient has opened it"),
    }
)


class Transition(NamedTuple):
    """One kind of report.  `usually_from` is what the diagram draws: the states in which it is
    expected to arrive ("" is the beginning).  The fold does not need it: any report may arrive in
    any state."""

    source: str
    word: str
    state: State
    usually_from: tuple[str, ...]


DECISION, ATTEMPT, RECEIPT, CLOCK = "gate", "dispatch", "provider", "clock"

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
    Transition(ATTEMPT, "given_up", State.UNKNOWN, (State.IN_DOUBT,)),
    Transition(ATTEMPT, "deferred", State.DEFERRED, (State.SENDING, State.IN_DOUBT)),
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
"""Weakest first: a report's place is its strength.  A dispatch `expired` is an order handed back:
the gate holds it. A doubt ends as accepted (found), as deferred, expired or canceled (proven
absent, or a person's word), or given up."""

TABLE: Final[Mapping[tuple[str, str], Transition]] = MappingProxyType(
    {(line.source, line.word): line for line in (*VERDICTS, *REPORTS)}
)
STRENGTH: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {(line.source, line.word): place for place, line in enumerate(REPORTS)}
)
ACCEPTED_STRENGTH: Final = STRENGTH[ATTEMPT, "accepted"]
"""From this strength on the provider has, or had, the text."""
ENDED: Final = STRENGTH[RECEIPT, "canceled"]
"""From this strength on nothing more is expected of the attempt."""
ARRIVED_STATES: Final = frozenset({State.DELIVERED, State.READ})
NOT_ARRIVED_STATES: Final = frozenset(
    {State.CANCELED, State.REFUSED, State.FAILED, State.UNDELIVERED}
)
CALLED_STATES: Final = frozenset({State.SENDING, State.IN_DOUBT, State.REFUSED, State.UNKNOWN})
"""States of an attempt that no decision can take back, besides those from `LEFT` on."""


def stronger_report(before: tuple[str, str] | None, report: tuple[str, str]) -> tuple[str, str]:
    """The stronger of two reports of one attempt."""
    return report if before is None or STRENGTH[report] > STRENGTH[before] else before


def contradicts(end: State, report: tuple[str, str]) -> bool:
    """Whether both cannot be true of one attempt: it arrived and did not; it was never taken and
    yet is on its way. The end stands; the report is kept and counted."""
    said = TABLE[report].state
    if said is State.REFUSED:
        return STATE_INFO[end].group is Group.OUT
    return end in ARRIVED_STATES and said in NOT_ARRIVED_STATES


class Reconciliation(NamedTuple):
    """Messages asked for against messages accounted for.  `residue` must be 0 at rest."""

    requested: int
    groups: Mapping[Group, int]
    unaccounted: int


def states_of(group: Group) -> tuple[State, ...]:
    return tuple(state for state, meaning in STATE_INFO.items() if meaning.group is group)


def _term(group: Group) -> str:
    states = states_of(group)
    return (
        group
        if [state.value for state in states] == [group.value]
        else f"{group} ({' + '.join(states)})"
    )


EQUATION: Final = "requested = " + " + ".join(_term(group) for group in Group)
"""The one equation of the books, in words."""


def reconcile_states(requested: int, by_state: Mapping[str, int]) -> Reconciliation:
    """Count in a state that the table does not know is in no group, and so in the residue."""
    groups = {group: sum(by_state.get(state, 0) for state in states_of(group)) for group in Group}
    return Reconciliation(requested, groups, requested - sum(groups.values()))


def render_diagram() -> str:
    """The table as a Mermaid state diagram: reports between two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for line in (*VERDICTS, *REPORTS):
        for before in line.usually_from:
            arrows.setdefault((before or "[*]", line.state), []).append(
                f"{line.source} {line.word}"
            )
    drawn = [
        f"    {before} --> {state}: {', '.join(words)}" for (before, state), words in arrows.items()
    ]
    ends = [f"    {state} --> [*]" for state, meaning in STATE_INFO.items() if meaning.final]
    return "\n".join(["stateDiagram-v2", *drawn, *ends]) + "\n"


INTRODUCTION: Final = """\
# A message's life

Generated from `lifecycle.py` by `python -m streams.lifecycle`.

An attempt's state is the strongest report of it, whatever the order in which reports come and however often; a
message's is that of its decision, or of the attempt that matters most. Below, the arrows are where a report is
expected. It may come anywhere else too: the strength alone decides.
"""


def render_docs() -> str:
    """The docs' page: what each state means, the diagram, every report by its strength, the
    equation."""
    means = [
        f"| `{state}` | {meaning.group} | {'yes' if meaning.final else ''} | {meaning.description} |"
        for state, meaning in STATE_INFO.items()
    ]
    reports = [
        f"| {strength} | {line.source} {line.word} | `{line.state}` |"
        for strength, line in enumerate(REPORTS)
    ]
    parts = [
        INTRODUCTION,
        "\n".join(["| state | counted as | final | |", "|---|---|---|---|", *means]) + "\n",
        f"```mermaid\n{render_diagram()}```\n",
        "## Reports of an attempt, the weakest first\n",
        "\n".join(["| strength | report | makes it |", "|---|---|---|", *reports]) + "\n",
        f"## The books\n\n    {EQUATION}\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("LIFECYCLE.md").write_text(render_docs(), "utf-8")
