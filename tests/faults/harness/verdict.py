"""What an outsider says of one fault: from the provider's journal and the topics, by nobody's
word but theirs."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final, NamedTuple

from streams.lifecycle import STATE_INFO, Group, State, reconcile_states
from tests.faults.harness import texts
from tests.faults.harness.watch import AttemptReport, Watch
from tests.journal_report import Arrival, CreateCall, largest_window_ratio

SHORTEST: Final = 5.0
"""Seconds.  The journal notes when a call arrived, not when it began: in short windows one shows
how promptly processes are scheduled on a busy machine.  At ten segments a second one text that
came late is a tenth of a second's."""
PACE_KEPT: Final = 1.05
"""For the same reason: two segments in five seconds."""
MOVING: Final = frozenset({State.QUEUED, State.SENDING, State.DEFERRED, State.IN_DOUBT})
AT_REST: Final = frozenset(
    {("in_doubt", "absent"), ("in_doubt", "unclear"), ("deferred", "absent")}
)
"""States and codes of an attempt for which dispatch has done all it may: the first two are left
to a person, and what is proven absent but was an earlier owner's waits for a quarter of an hour
before it goes again."""
CLEARED: Final = frozenset({"accepted", "refused", "canceled", "expired", "deferred", "queued"})
"""States of an attempt after which it is not in doubt any more."""


class Verdict(NamedTuple):
    """`lost`: asked for, and neither out nor accounted for.  `sent_twice`: taken by the provider
    once too often. `doubts`: calls that were ever in doubt.  `in_doubt`: texts left to a person.
    `waiting`: proven absent, to go again after a quarter of an hour.  `wrong`: in words, all
    that must not be."""

    fault: str
    runs: int
    texts: int
    lost: int
    sent_twice: int
    in_doubt: int
    waiting: int
    doubts: int
    slowest_resolve_seconds: float
    pace_ratio: float
    seconds: float
    wrong: tuple[str, ...] = ()
    note: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong

    def and_then(self, other: Verdict) -> Verdict:
        """Of several runs."""
        return Verdict(
            self.fault,
            self.runs + other.runs,
            self.texts + other.texts,
            self.lost + other.lost,
            self.sent_twice + other.sent_twice,
            self.in_doubt + other.in_doubt,
            self.waiting + other.waiting,
            self.doubts + other.doubts,
            max(self.slowest_resolve_seconds, other.slowest_resolve_seconds),
            max(self.pace_ratio, other.pace_ratio),
            self.seconds + other.seconds,
            (*self.wrong, *other.wrong),
            other.note or self.note,
        )


NOTHING: Final = Verdict("", 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0)
"""Was found, for nothing was played."""


def evaluate_run(
    fault: str, ids: set[str], watch: Watch, calls: list[CreateCall], seconds: float
) -> Verdict:
    taken = Counter(name_of(call) for call in calls if call.taken)
    states = {name: State(watch.outcomes[name]["state"]) for name in ids if name in watch.outcomes}
    doubts = {
        name: reports
        for name, reports in watch.attempts.items()
        if name[0] in ids and _was_in_doubt(reports)
    }
    moving = {name for name in ids if not at_rest(name, watch)}
    lost = {name for name in moving if not taken[name]} | _only_recorded(states, taken)
    twice = {name: n - 1 for name, n in taken.items() if n > 1}
    ratio = pace_ratio(calls)
    return Verdict(
        fault=fault,
        runs=1,
        texts=len(ids),
        lost=len(lost),
        sent_twice=sum(twice.values()),
        in_doubt=sum(state is State.IN_DOUBT for state in states.values()),
        waiting=sum(state is State.DEFERRED for state in states.values()),
        doubts=len(doubts),
        slowest_resolve_seconds=round(max(map(seconds_in_doubt, doubts.values()), default=0.0), 1),
        pace_ratio=round(ratio, 3),
        seconds=round(seconds, 1),
        wrong=(
            *_counted("lost", lost),
            *_counted("sent twice", twice),
            *_counted(f"not at rest in time ({_in_words(watch.states(moving))})", moving),
            *_counted("told otherwise than the provider has it", _recorded_wrongly(states, taken)),
            *_counted("an attempt was called twice", _called_twice(calls)),
            *(
                [f"the pace was exceeded: {ratio:.2f} of what a window may see"]
                if ratio > PACE_KEPT
                else []
            ),
            *_check_reconciliation(ids, states, watch),
        ),
    )


def find_texts_after_stop(
    asked: dict[str, tuple[str, float]], stopped: dict[str, float], calls: list[CreateCall]
) -> list[str]:
    """Texts that were asked for after their number's STOP was on Kafka, and that the provider took."""
    taken = {name_of(call) for call in calls if call.taken}
    late = {
        name
        for name, (number, at) in asked.items()
        if name in taken and at > stopped.get(number, float("inf"))
    }
    return _counted("sent after a STOP", late)


def name_of(call: CreateCall) -> str:
    return call.identity[1] if call.identity else ""


def pace_ratio(calls: list[CreateCall]) -> float:
    """Of the sender that was worst; every call counts, taken or not."""
    arrivals: defaultdict[str, list[Arrival]] = defaultdict(list)
    for call in calls:
        arrivals[call.sender].append(Arrival(call.t, call.segments))
    return max(
        (largest_window_ratio(one, texts.PACE, SHORTEST) for one in arrivals.values()), default=0.0
    )


def resting(ids: set[str], watch: Watch) -> bool:
    return all(at_rest(name, watch) for name in ids)


def at_rest(name: str, watch: Watch) -> bool:
    """Nothing more is going to happen to it soon."""
    if name not in watch.outcomes:
        return False
    state, last = State(watch.outcomes[name]["state"]), watch.last.get(name)
    return state not in MOVING or (last is not None and (last.state, last.code) in AT_REST)


def seconds_in_doubt(reports: list[AttemptReport]) -> float:
    """Seconds from the first doubt until it was resolved, or with a person."""
    began = next(one.at for one in reports if one.state == "in_doubt")
    ends = (
        one.at
        for one in reports
        if one.at >= began and (one.state in CLEARED or (one.state, one.code) in AT_REST)
    )
    return next(ends, began) - began


def _was_in_doubt(reports: list[AttemptReport]) -> bool:
    return any(one.state == "in_doubt" for one in reports)


def _only_recorded(states: dict[str, State], taken: Counter[str]) -> set[str]:
    """Out, as we say; the provider never took it."""
    return {
        name
        for name, state in states.items()
        if STATE_INFO[state].group is Group.OUT and not taken[name]
    }


def _recorded_wrongly(states: dict[str, State], taken: Counter[str]) -> set[str]:
    known = {
        name: STATE_INFO[state].group
        for name, state in states.items()
        if state is not State.IN_DOUBT
    }
    return {name for name, group in known.items() if (group is Group.OUT) != bool(taken[name])}


def _called_twice(calls: list[CreateCall]) -> set[str]:
    made = Counter((name_of(call), call.attempt) for call in calls)
    return {message_id for (message_id, _), times in made.items() if times > 1}


def _check_reconciliation(ids: set[str], states: dict[str, State], watch: Watch) -> list[str]:
    """The equation of `streams.lifecycle`, and usage against a recount of everything that this
    watch has heard."""
    unaccounted = reconcile_states(len(ids), Counter(states.values())).unaccounted
    recount = Counter(outcome["state"] for outcome in watch.outcomes.values())
    unequal = {state: watch.usage[state] - recount[state] for state in watch.usage | recount}
    found = [f"not accounted for: {unaccounted}"] if unaccounted else []
    if any(unequal.values()):
        found.append(f"usage is not the recount: { ({s: n for s, n in unequal.items() if n}) }")
    return found


def _in_words(states: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.most_common())


def _counted(words: str, which: set[str] | dict[str, int]) -> list[str]:
    """With a few names, so that somebody can look."""
    return [f"{len(which)} {words}: {', '.join(sorted(which)[:3])}"] if which else []
