"""Each guard of a promise, switched off: stories must notice.

A mutation patches the product in this process; `caught_by` names the promises that it may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from schemas.case_event import EventCanceled
from schemas.send_request import CancelRequest
from streams.cases import anchors, changes
from streams.dispatch import controls, in_doubt, on_order
from streams.dispatch import processor as dispatch_processor
from streams.dispatch.list_matching import Absent
from streams.dispatch.state import Queued
from streams.gate import approvals, rules
from streams.gate import consent as gate_consent
from streams.gate import processor as gate_processor
from streams.inbound_keywords import Classification, Meaning
from streams.partition.ends_check import EndsCheck
from streams.partition.queues import TimerQueue
from streams.partition.task import PartitionTask
from streams.people import requests
from streams.people.state import Stage
from streams.processing import NO_CHANGE
from streams.rule_names import RuleName
from streams.usage import processor as usage_processor
from tests.simulation.world import World

AFTER_STOP = "nothing_goes_after_a_stop"
OVERTAKES = "no_call_overtakes_its_stop"
TAKEN_BACK = "what_is_taken_back_stays"
IN_TIME = "what_came_before_their_time_counts"
NEW_OWNER = "a_new_owner_reads_before_it_decides"
TIMES = "texts_keep_their_time"
TWICE = "nothing_goes_twice"
REST = "everything_comes_to_rest"
FOR_EVER = "nothing_waits_for_ever"
CANNOT_BE_PLAYED = "cannot_be_played"
"""No promise: something failed, or never came to rest."""


class Mutation(NamedTuple):
    name: str
    switch_off: Callable[[ExitStack], None]
    caught_by: tuple[str, ...]


def _rule(*names: RuleName) -> Callable[[ExitStack], None]:
    """The gate without these rules."""

    def switch_off(stack: ExitStack) -> None:
        left = tuple(rule.check for rule in rules.RULES if rule.name not in names)
        stack.enter_context(patch.object(rules.evaluate, "__defaults__", (left,)))

    return switch_off


def _replace(owner: Any, name: str, new: Any) -> Callable[[ExitStack], None]:
    return lambda stack: stack.enter_context(patch.object(owner, name, new))


def _entry(table: Any, key: Any, new: Any) -> Callable[[ExitStack], None]:
    return lambda stack: stack.enter_context(patch.dict(table, {key: new}))


def _nothing(*_: Any, **__: Any) -> None: ...


def _no_ends(stack: ExitStack) -> None:
    stack.enter_context(patch.object(EndsCheck, "must_ask", lambda *_: False))
    stack.enter_context(patch.object(EndsCheck, "timers_until", lambda *_: float("inf")))


def _deaf(stack: ExitStack) -> None:
    """Whatever they write is a text like any other."""
    nothing = Classification(Meaning.NONE)
    stack.enter_context(patch.object(gate_consent, "classify", lambda *_: nothing))


def _skip_ahead(task: PartitionTask, ends: Mapping[str, int]) -> None:
    """A new owner begins at the end of its topics, not where its predecessor ended."""
    task.positions = {**task.positions, **ends}
    task.rewind()


def _names(stack: ExitStack) -> None:
    number = count()
    stack.enter_context(patch.object(anchors, "_hash", lambda *said: f"{next(number):016}"))


def _too_early(stack: ExitStack) -> None:
    """The gate and dispatch each look at the time."""
    _rule(RuleName.NOT_BEFORE)(stack)
    stack.enter_context(patch.object(Queued, "not_before", property(lambda _: None)))


MUTATIONS: Final = (
    Mutation(
        "a text may go without an opt-in",
        _rule(RuleName.NOT_OPTED_IN, RuleName.OPTED_OUT),
        (AFTER_STOP,),
    ),
    Mutation("the gate takes a STOP for any text", _deaf, ("a_stop_is_remembered",)),
    Mutation("a text may go before its time", _too_early, (TIMES, IN_TIME)),
    Mutation(
        "a text may go after it has expired", _rule(RuleName.EXPIRED), (TIMES, CANNOT_BE_PLAYED)
    ),
    Mutation("a text may go at night", _rule(RuleName.QUIET_HOURS), ("nobody_is_woken",)),
    Mutation(
        "nobody needs to approve",
        _rule(RuleName.AWAITING_APPROVAL),
        ("what_waits_for_approval_waits",),
    ),
    Mutation(
        "an approval counts for any text",
        _entry(
            approvals.OBJECTIONS,
            "approve",
            tuple(
                one for one in approvals.OBJECTIONS["approve"] if "another_text" not in one.__name__
            ),
        ),
        ("what_waits_for_approval_waits",),
    ),
    Mutation(
        "the gate ignores a cancel",
        _entry(gate_processor._HANDLERS, CancelRequest, _nothing),
        (TAKEN_BACK, IN_TIME),
    ),
    Mutation("timers do not wait for what is on Kafka", _no_ends, (IN_TIME,)),
    Mutation(
        "a restart reads no STOP before it works on",
        _replace(PartitionTask, "set_barrier", _nothing),
        (OVERTAKES, AFTER_STOP, IN_TIME, NEW_OWNER),
    ),
    Mutation(
        "a restart begins at the end of its topics",
        _replace(PartitionTask, "set_barrier", _skip_ahead),
        ("nothing_is_lost",),
    ),
    Mutation(
        "a restart forgets the timers",
        _replace(TimerQueue, "restore", _nothing),
        (FOR_EVER, REST),
    ),
    Mutation(
        "dispatch ignores a stop",
        _replace(controls, "on_stop", _nothing),
        (OVERTAKES, AFTER_STOP),
    ),
    Mutation(
        "dispatch ignores a stop for orders that come later",
        _replace(on_order, "find_stop", _nothing),
        (OVERTAKES, AFTER_STOP),
    ),
    Mutation("dispatch ignores a cancel", _replace(controls, "on_cancel", _nothing), (TAKEN_BACK,)),
    Mutation(
        "a call that waits for its turn cannot be taken back",
        _replace(World, "_take_back", _nothing),
        (OVERTAKES, TAKEN_BACK),
    ),
    Mutation(
        "what was interrupted is not in doubt",
        _replace(dispatch_processor, "suspect_interrupted", _nothing),
        (REST, TWICE),
    ),
    Mutation(
        "what is in doubt counts as not taken",
        _replace(in_doubt, "classify", lambda *_, **__: Absent("a mutation")),
        (TWICE, "what_was_taken_counts_as_sent"),
    ),
    Mutation(
        "a text stays with the number that it was requested for",
        _entry(requests._STAGES, Stage.ISSUED, lambda *_: NO_CHANGE),
        ("texts_go_to_their_number",),
    ),
    Mutation(
        "a reminder's name changes each time that it is planned",
        _names,
        ("each_reminder_goes_once",),
    ),
    Mutation(
        "a case ignores that its event is canceled",
        _entry(changes._APPLY, EventCanceled, lambda draft, change: changes.NOTHING),
        ("no_reminder_of_what_is_canceled",),
    ),
    Mutation(
        "usage adds, and takes nothing off",
        _replace(usage_processor, "_find_counted", _nothing),
        ("the_books_balance",),
    ),
)


@contextmanager
def switched_off(mutation: Mutation) -> Iterator[None]:
    with ExitStack() as stack:
        mutation.switch_off(stack)
        yield
