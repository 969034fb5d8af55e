"""Consent over the whole flow: asked, answered, confirmed, stopped, with crashes at every step;
seed by seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from schemas import topics as t
from schemas.consent import ConsentChange
from schemas.outcome import Outcome
from schemas.send import Send
from streams.lifecycle import reconcile_states
from tests.simulation.opt_in_scenario import OptInScenario
from tests.simulation.scenario import NEED_NO_YES

SEEDS = 100
A_DAY = timedelta(days=1)
ENDS = {
    "rejected",
    "expired",
    "canceled",
    "refused",
    "delivered",
    "undelivered",
    "failed",
    "in_doubt",
    "unknown",
}
PROOF = {"form": set(), "manual": {"document", "actor"}, "import": {"document"}}
"""What a claim of each source must bring along."""


def played(seed: int) -> OptInScenario:
    scenario = OptInScenario(seed, crash=0.0 if seed % 4 == 0 else 0.02)
    scenario.play(texts=16)
    return scenario


@pytest.mark.parametrize("batch", range(5))
def test_what_is_promised_of_consent_holds_for_every_seed(batch: int) -> None:
    shown = Counter[str]()
    for seed in range(batch, SEEDS, 5):
        scenario = played(seed)
        for promise in PROMISES:
            broken = promise(scenario)
            assert broken == [], f"seed {seed}: {promise.__doc__}"
        shown += happenings(scenario)
    missing = {what for what in WANTED if not shown[what]}
    assert missing == set(), "this never happened, so nothing was shown"


def nobody_gets_anything_without_their_yes(played: OptInScenario) -> list[Send]:
    """Before every call but of the few kinds, the person has written yes, or somebody has
    brought proof of it."""
    return [
        order
        for at, order in played.calls
        if order.kind not in NEED_NO_YES and not said_yes(played, at, order)
    ]


def said_yes(played: OptInScenario, at: object, order: Send) -> bool:
    wrote = any(
        body.upper().strip("!") in {"START", "YES"}
        for moment, number, _, body in played.said
        if number == order.to and moment <= at  # type: ignore[operator]
    )
    return wrote or any(
        event.action == "opt_in" and PROOF.get(event.source, {"nothing"}) <= given(event.evidence)
        for event in played.world.log.all(t.CONSENT_EVENTS)
        if (event.tenant, event.number) == (order.tenant, order.to) and event.at <= at
    )


def given(evidence: object) -> set[str]:
    return {name for name, value in evidence if value is not None}  # type: ignore[attr-defined]


def no_two_asks_within_24_hours(played: OptInScenario) -> list[tuple[Send, Send]]:
    """Counted from order to order; unless the first was refused or did not arrive."""
    return [
        (one, other)
        for asks in asks_of(played).values()
        for one, other in pairwise(asks)
        if one.message_id != other.message_id and (one.tenant, one.message_id) not in played.failed
        if other.issued_at - one.issued_at < A_DAY
    ]


def asks_of(played: OptInScenario) -> dict[tuple[str, str], list[Send]]:
    """Orders, first issued first, by tenant and number."""
    asks = defaultdict(list)
    for order in sorted(played.world.log.all(t.DISPATCH_ORDERS), key=lambda order: order.issued_at):
        if order.kind == "consent_ask":
            asks[order.tenant, order.to].append(order)
    return asks


def no_text_goes_out_twice(played: OptInScenario) -> list[tuple[str, str]]:
    """Whatever crashes: by the provider's own count."""
    return [key for key, count in played.taken.items() if count > 1]


def every_text_comes_to_an_end(played: OptInScenario) -> list[Outcome]:
    """Released, expired, canceled or dropped; nothing is held for ever."""
    return [outcome for outcome in last_outcomes(played).values() if outcome.state not in ENDS]


def last_outcomes(played: OptInScenario) -> dict[tuple[str, str], Outcome]:
    last: dict[tuple[str, str], Outcome] = {}
    for one in played.world.log.all(t.OUTCOMES):
        key = (one.tenant, one.message_id)
        if key not in last or one.version > last[key].version:
            last[key] = one
    return last


def an_older_yes_lifts_no_newer_stop(played: OptInScenario) -> list[ConsentChange]:
    """By the broker's append time of the records that brought them."""
    broken = []
    for changes in changes_of(played).values():
        stopped = 0
        for change in changes:
            if change.action == "opt_out" and change.source != "carrier":
                stopped = max(stopped, appended(played, change))
            elif change.action == "opt_in" and change.applied and change.was == "opted_out":
                broken += [change] * (appended(played, change) <= stopped)
    return broken


def nobody_is_asked_after_an_opt_out(played: OptInScenario) -> list[ConsentChange]:
    """And who has opted out comes back by a text or a form with evidence."""
    broken = []
    for changes in changes_of(played).values():
        for before, change in pairwise(changes):
            asked = change.action == "ask" and change.applied and before.now == "opted_out"
            lifted = change.action == "opt_in" and change.applied and change.was == "opted_out"
            own_act = change.source == "inbound" or (
                change.source == "form" and change.evidence.wording
            )
            broken += [change] * (asked or (lifted and not own_act))
    return broken


def changes_of(played: OptInScenario) -> dict[tuple[str, str], list[ConsentChange]]:
    """As the log has them; each number's are in one partition, in order."""
    changes = defaultdict(list)
    for change in played.world.log.all(t.CONSENT_LOG):
        changes[change.tenant, change.number].append(change)
    return changes


def appended(played: OptInScenario, change: ConsentChange) -> int:
    place = change.evidence
    assert place.topic is not None
    return played.world.log.entries[place.topic, place.partition or 0][place.offset or 0].timestamp


def no_call_begins_after_its_stop_was_obeyed(played: OptInScenario) -> list[object]:
    """By the epoch of the order and of the Stops that dispatch had read."""
    return [*played.overtaken]


def the_books_balance(played: OptInScenario) -> list[int]:
    """Asked for and started by Sayso, against what the usage report counts."""
    usage = {row.identity: row for row in played.world.log.all(t.USAGE_REPORT)}
    by_state = Counter[str]()
    for row in usage.values():
        by_state[row.state] += row.messages
    residue = reconcile_states(len(played.asked) + len(played.started()), by_state).unaccounted
    return [residue] if residue else []


def nothing_is_set_aside(played: OptInScenario) -> list[object]:
    """All of this is everyday life."""
    return [*played.world.log.all(t.DEAD_LETTERS)]


PROMISES = (
    nobody_gets_anything_without_their_yes,
    no_two_asks_within_24_hours,
    no_text_goes_out_twice,
    every_text_comes_to_an_end,
    an_older_yes_lifts_no_newer_stop,
    nobody_is_asked_after_an_opt_out,
    no_call_begins_after_its_stop_was_obeyed,
    the_books_balance,
    nothing_is_set_aside,
)

WANTED = {
    *NEED_NO_YES,
    "released",
    "dropped by a STOP",
    "an ask failed",
    "an ask again, by hand",
    "refused",
    "lifted",
    "blocked by the carrier",
    "an ask waited",
    "expired",
}


def happenings(played: OptInScenario) -> Counter[str]:
    """What the promises were put to the test by."""
    shown = Counter(order.kind for _, order in played.calls)
    for decision in played.world.log.all(t.DECISIONS):
        rules = {found.rule for found in decision.findings}
        shown["released"] += "ready" in rules
        shown["dropped by a STOP"] += decision.seq > 1 and "opted_out" in rules
        shown["blocked by the carrier"] += "blocked_by_carrier" in rules
        shown["an ask waited"] += decision.kind == "consent_ask" and decision.verdict == "hold"
        shown["expired"] += decision.verdict == "expire"
    for change in played.world.log.all(t.CONSENT_LOG):
        shown["an ask failed"] += change.action == "ask_failed" and change.applied
        shown["an ask again, by hand"] += (
            change.action == "ask" and change.applied and change.source == "manual"
        )
        shown["refused"] += not change.applied
        shown["lifted"] += change.applied and (change.was, change.now) == ("opted_out", "opted_in")
    return +shown
