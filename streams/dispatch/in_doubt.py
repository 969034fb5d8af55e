"""A call was cut off: the text may or may not have been taken.  Never tried again blind.

It is cleared up by a callback (`controls.sighting`), by the provider's list, or by a person.  The list is asked for
after twice the time that a call may take, and once more later, for lists lag; a text is absent only if both say so.
One that an earlier owner had under way may leave even later, if that owner only slept: it is not sent again by itself
for a quarter of an hour, and then the list is asked for once more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.attempt import AttemptState
from schemas.controls import Resolve
from streams.dispatch.alike import attempts_like
from streams.dispatch.list_matching import FAR, Absent, Found, Unclear, Verdict, weigh
from streams.dispatch.lost import leave
from streams.dispatch.policy import Policy, policy_of
from streams.dispatch.provider_calls import Lookup, LookupResult
from streams.dispatch.returns import hand_back
from streams.dispatch.send_loop import LOOKING
from streams.dispatch.state import LONGEST_ID, REMEMBERED, DispatchState, MessageEntry, message_name
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

FIRST_LOOK: Final = 2
SECOND_LOOK: Final = 6
"""Times of what a call may take, from the doubt and from the first look on: 20 s and a minute later as a rule."""
NOT_BEFORE: Final = timedelta(minutes=15)
"""From its call on, what an earlier owner had under way, or what stayed unclear, is looked for a last time."""
LAST_LOOK: Final = 3


def doubt(
    draft: StepBuilder,
    name: str,
    row: MessageEntry,
    evidence: str,
    settings: Settings,
    *,
    code: str | None = None,
    again_at: datetime | None = None,
) -> None:
    """If nobody clears it up it is given up and forgotten, text and all, as what is done with is: a provider's bad day
    must not stay in memory for ever."""
    assert row.order is not None
    draft.queue.under_way.pop(name, None)
    draft.report(row.order, row.attempt, AttemptState.IN_DOUBT, code=code, evidence=evidence)
    look_at = draft.now + timedelta(seconds=FIRST_LOOK * settings.call_limits.call_timeout)
    news = {
        "place": DispatchState.IN_DOUBT,
        "looks": 0,
        "absent": False,
        "look_at": look_at,
        "again_at": again_at,
    }
    draft.place(name, row.model_copy(update=news))
    draft.set_timer(name, draft.now + REMEMBERED)


def found_sending(draft: StepBuilder, name: str, row: MessageEntry, settings: Settings) -> None:
    """Of an owner before."""
    again_at = (row.called_at or draft.now) + NOT_BEFORE
    doubt(draft, name, row, "found sending at start", settings, again_at=again_at)


def look(draft: StepBuilder) -> None:
    """Ask for the lists that are due."""
    queue = draft.queue
    while len(queue.looking) < LOOKING and (first := queue.looks.first()) and first[0] <= draft.now:
        name, row = first[1], draft.get(first[1], MessageEntry)
        queue.looks.drop(name)
        assert row is not None
        assert row.order is not None
        queue.looking.add(name)
        called = row.began
        draft.effect(
            Lookup(
                row.order.tenant,
                row.order.message_id,
                row.attempt,
                draft.sender,
                row.order.to,
                called - FAR,
                called + FAR,
                row.looks + 1,
            )
        )


def seen(draft: StepBuilder, answer: LookupResult, settings: Settings) -> None:
    """A list counts for the look it was asked for.  One that could not be had is asked for again, the less often the
    longer that goes on."""
    name = message_name(answer.tenant, answer.message_id)
    row = draft.get(name, MessageEntry)
    draft.queue.looking.discard(name)
    if row is None or row.place is not DispatchState.IN_DOUBT or row.order is None:
        return
    later = draft.now + timedelta(seconds=SECOND_LOOK * settings.call_limits.call_timeout)
    if (row.attempt, row.looks + 1) != (answer.attempt, answer.round) or answer.entries is None:
        waited = draft.now - row.began
        draft.place(name, row.model_copy(update={"look_at": max(later, draft.now + waited / 2)}))
        return
    verdict = weigh(
        answer.entries, draft.queue.ids_of(row.order.to), attempts_like(draft, name, row)
    )
    looked = {"looks": answer.round, "look_at": later if answer.round == 1 else None}
    _conclude(draft, name, row.model_copy(update=looked), verdict)


def _conclude(draft: StepBuilder, name: str, row: MessageEntry, verdict: Verdict) -> None:
    assert row.order is not None
    if isinstance(verdict, Found):
        draft.report(
            row.order,
            row.attempt,
            AttemptState.ACCEPTED,
            provider_id=verdict.entry.provider_id,
            segments=verdict.entry.num_segments,
            evidence=f"{verdict.why}; its status is {verdict.entry.status}",
        )
        draft.finish(
            name, row, DispatchState.ACCEPTED, provider_id=verdict.entry.provider_id[:LONGEST_ID]
        )
    elif row.looks == 1:
        draft.place(name, row)
    elif isinstance(verdict, Unclear):
        _unclear(draft, name, row, verdict)
    else:
        _absent(draft, name, row, verdict)


def _unclear(draft: StepBuilder, name: str, row: MessageEntry, verdict: Unclear) -> None:
    """Left to a person; what is learnt of others until the last look may clear it up still."""
    assert row.order is not None
    if row.looks < LAST_LOOK:
        evidence = f"{verdict.why}: left to a person"
        draft.report(
            row.order, row.attempt, AttemptState.IN_DOUBT, code="unclear", evidence=evidence
        )
        last = max((row.called_at or draft.now) + NOT_BEFORE, draft.now)
        row = row.model_copy(update={"look_at": last, "again_at": last})
    draft.place(name, row.model_copy(update={"absent": False}))


def _absent(draft: StepBuilder, name: str, row: MessageEntry, verdict: Absent) -> None:
    order = row.order
    assert order is not None
    if row.again_at is not None and draft.now < row.again_at:
        evidence = f"{verdict.why}; an earlier owner had it: looked for again before it may go"
        draft.report(order, row.attempt, AttemptState.DEFERRED, code="absent", evidence=evidence)
        draft.place(name, row.model_copy(update={"look_at": row.again_at, "absent": True}))
    elif row.barred:
        leave(draft, row, absent=True)
        draft.report(
            order, row.attempt, AttemptState.CANCELED, code=row.barred, evidence=verdict.why
        )
        draft.finish(name, row, DispatchState.CANCELED)
    elif policy_of(order.kind) is Policy.AGAIN:
        leave(draft, row, absent=True)
        hand_back(draft, name, row, "absent", verdict.why)
    elif policy_of(order.kind) is Policy.DROP:
        leave(draft, row, absent=True)
        evidence = f"{verdict.why}; a {order.kind} has lost its point by now"
        draft.report(order, row.attempt, AttemptState.CANCELED, code="absent", evidence=evidence)
        draft.finish(name, row, DispatchState.CANCELED)
    else:
        draft.report(
            order,
            row.attempt,
            AttemptState.IN_DOUBT,
            code="absent",
            evidence=f"{verdict.why}: left to a person",
        )
        draft.place(name, row.model_copy(update={"absent": True}))


def resolve(draft: StepBuilder, control: Resolve) -> None:
    """A person's word, on the attempt that they have seen.  What may not be sent any more stays as it is."""
    name = message_name(control.tenant, control.message_id)
    row, by = draft.get(name, MessageEntry), control.by[:200]
    if (
        row is None
        or row.order is None
        or row.place is not DispatchState.IN_DOUBT
        or row.attempt != control.attempt
    ):
        return
    if control.action == "drop":
        leave(draft, row, absent=row.absent)
        state = AttemptState.CANCELED if row.absent else AttemptState.GIVEN_UP
        draft.report(row.order, row.attempt, state, code="dropped", evidence=f"dropped by {by}")
        draft.finish(name, row, DispatchState.DROPPED)
    elif row.barred:
        draft.report(
            row.order,
            row.attempt,
            AttemptState.IN_DOUBT,
            code=row.barred,
            evidence=f"not sent again for {by}",
        )
    else:
        leave(draft, row, absent=row.absent)
        hand_back(draft, name, row, "resend", f"sent again at the word of {by}")


def give_up(draft: StepBuilder, row: MessageEntry) -> None:
    """Nobody has cleared it up for so long that it is forgotten."""
    assert row.order is not None
    evidence = f"in doubt for {REMEMBERED.total_seconds() / 3600:.0f} hours"
    draft.report(row.order, row.attempt, AttemptState.GIVEN_UP, code="too_long", evidence=evidence)
