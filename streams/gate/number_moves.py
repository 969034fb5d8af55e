"""What a version before kept under another writing of a number joins the number's one identity.

Theory of operation
-------------------
Every record is filed under the identity of its number.  State of a version before may stand under
other keys, in other partitions:

1. A gate that gets a partition moves all that it finds under such keys: each entry goes as a record
   to the key of the identity, and is deleted in the same transaction.  What is known of the number
   itself stays as a copy, marked, for the version before may be started again.
2. A version before may have texted a number under another writing (`former_writings`).  So the
   first record of such a number asks the key of that writing for what it has.  Until the answer is
   here, nothing goes out: what may send or give consent waits as it came (`wait/<n>`), and texts
   that were held are not evaluated.  A STOP never waits.
3. At the identity the number's states are merged, strictly (`number_merge`).  The log gets an entry
   that names the other writing's log, and the senders get a Stop where nothing may be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import MsgspecError

from schemas.approval import Approval
from schemas.base import Evidence
from schemas.consent import MOVED, ConsentChange, ConsentEvent, ConsentState
from schemas.dead_letter import DeadLetterCause
from schemas.decision import Verdict
from schemas.number_move import MoveStep, NumberMove
from schemas.number_writings import former_writings
from schemas.numbers import E164, e164
from schemas.person import NumberFact
from schemas.send import Returned
from schemas.send_request import CancelRequest, SendRequest
from schemas.topics import BY_NAME, NUMBER_MOVES
from streams.dedup import RETENTION, DedupEntry
from streams.gate.consent_log import append
from streams.gate.consent_state import TAKES_AWAY
from streams.gate.evaluation import reevaluate_all
from streams.gate.number_merge import came_by_text, merge_numbers
from streams.gate.state import (
    HELD,
    NUMBER,
    HeldRequest,
    MessageState,
    NumberState,
    ProcessedClaim,
    StepBuilder,
    WaitingRecord,
)
from streams.gate.stop_controls import publish_recalls, publish_stops
from streams.processing import InputRecord, StateEntry, spread_timers
from streams.state_entry import dump, parse

WAIT: Final = "wait/"
LONGEST: Final = 60_000
"""Characters of a record that may wait: an entry stays under 64 kB."""

_MODELS: Final[Mapping[str, type[StateEntry]]] = {
    NUMBER: NumberState,
    "msg": MessageState,
    "ev": ProcessedClaim,
    "in": ProcessedClaim,
    "ap": DedupEntry,
    "held": HeldRequest,
}
"""In this order: a held request needs its message state, and both the number's consent."""
_WAITING: Final = (SendRequest, Returned, NumberFact, Approval, CancelRequest)


# --- at the key of another writing


def is_former_key(entity_key: str) -> bool:
    """Whether a version before kept it under a writing that is not the number's identity."""
    phone = entity_key.partition("/")[2]
    return e164(phone) != phone


def on_acquired(step: StepBuilder, record: InputRecord) -> None:
    move_away(step)


def move_away(step: StepBuilder) -> None:
    """Hand over everything that is here.

    What an answer of `done` ends is on its way before it: one partition keeps their order."""
    if not step.loaded.moved and step.store.raw:
        _hand_over(step)
    _tell(step, MoveStep.DONE)


def _hand_over(step: StepBuilder) -> None:
    names = list(step.store.names())
    for kind, model in _MODELS.items():
        for name in names:
            if name.partition("/")[0] != kind:
                continue
            entry = step.store.get(name, model)
            assert entry is not None
            by_text = name == NUMBER and came_by_text(step.store, step.loaded)
            _tell(step, MoveStep.ENTRY, name, dump(entry).decode(), by_text)
            if name != NUMBER:
                step.put(name, None, None)
    step.number = step.number.model_copy(update={"moved": True, "count_due_at": None})
    step.timers[NUMBER] = None


def _tell(
    step: StepBuilder, what: MoveStep, name: str = "", entry: str = "", by_text: bool = False
) -> None:
    move = NumberMove(
        tenant=step.tenant_id,
        number=e164(step.phone),
        former=step.phone,
        step=what,
        name=name,
        entry=entry,
        by_text=by_text,
        at=step.now,
    )
    step.publish(NUMBER_MOVES, move)


# --- at the key of the identity


def on_move(step: StepBuilder, record: InputRecord) -> None:
    move: NumberMove = record.value
    if move.step is MoveStep.ASK:
        move_away(step)
    elif move.step is MoveStep.DONE:
        _finish(step, move)
    else:
        take = _TAKERS.get(move.name.partition("/")[0], _ignore)
        try:
            take(step, move, record)
        except MsgspecError:
            step.reject_record(record, DeadLetterCause.INVALID, "the entry cannot be read")


def _ignore(step: StepBuilder, move: NumberMove, record: InputRecord) -> None:
    """A kind of entry that this version does not know."""


def _take_number(step: StepBuilder, move: NumberMove, record: InputRecord) -> None:
    other = parse(NumberState, move.entry.encode())
    mine = step.number
    merged = merge_numbers(
        mine,
        other,
        mine_by_text=came_by_text(step.store, mine),
        other_by_text=move.by_text,
    )
    if other.log_seq:
        _log(step, merged, other, move, record)
    else:
        step.number = merged
    blocks = merged.state is ConsentState.OPTED_OUT or merged.unreadable_ms
    if blocks:
        publish_stops(step, merged.senders, merged.epoch)
    if merged.question is not None:
        publish_recalls(step, merged.senders, merged.epoch)


def _log(
    step: StepBuilder,
    merged: NumberState,
    other: NumberState,
    move: NumberMove,
    record: InputRecord,
) -> None:
    proof = f"the consent log of {move.former}, entry {other.log_seq}, hash {other.log_hash}"
    change = ConsentChange(
        tenant=step.tenant_id,
        number=step.phone,
        event_id=f"moved:{move.former}:{other.log_seq}",
        action=MOVED,
        source=other.source or MOVED,
        was=step.number.state,
        now=merged.state,
        applied=True,
        reason=f"{move.former} is another writing of this number: what was known of it joins",
        consent_epoch=merged.epoch,
        claimed_at=datetime.fromtimestamp(other.since_ms / 1000, UTC),
        at=step.now,
        evidence=record.evidence.model_copy(update={"document": proof}),
        flagged=merged.flagged,
    )
    append(step, merged, change)


def _take_message(step: StepBuilder, move: NumberMove, record: InputRecord) -> None:
    """The same id under both writings is one text: what is here already stands."""
    known = step.store.get(move.name, MessageState)
    message = parse(MessageState, move.entry.encode())
    if known is None:
        ended = message.verdict is not Verdict.HOLD
        step.put(move.name, message, step.now + RETENTION if ended else None)
    elif not known.fingerprint:  # a cancellation that came ahead of it
        canceled = message.model_copy(update={"canceled": known.canceled})
        step.put(move.name, canceled, None)


def _take_held(step: StepBuilder, move: NumberMove, record: InputRecord) -> None:
    """It is evaluated at once, when all is here."""
    identity = move.name.removeprefix(HELD)
    message = step.store.get(f"msg/{identity}", MessageState)
    waits = message is not None and message.fingerprint and message.verdict is Verdict.HOLD
    if waits and move.name not in step.store.raw:
        step.put(move.name, parse(HeldRequest, move.entry.encode()), step.now)


def _take_id(step: StepBuilder, move: NumberMove, record: InputRecord) -> None:
    """Of what was processed before.  Unless it certainly took consent away, it is remembered for
    good: it may have given it."""
    if move.name in step.store.raw:
        return
    entry = parse(_MODELS[move.name.partition("/")[0]], move.entry.encode())
    content = entry.content if isinstance(entry, ProcessedClaim) else ""
    is_short = move.name.startswith("ap/") or content.partition(" ")[0] in TAKES_AWAY
    step.put(move.name, entry, step.now + RETENTION if is_short else None)


_TAKERS: Final[Mapping[str, Callable[[StepBuilder, NumberMove, InputRecord], None]]] = {
    NUMBER: _take_number,
    "msg": _take_message,
    "held": _take_held,
    "ev": _take_id,
    "in": _take_id,
    "ap": _take_id,
}


def _finish(step: StepBuilder, move: NumberMove) -> None:
    answered = {**(step.number.writings or {}), move.former: True}
    known = former_writings(step.phone)
    if move.former in known:
        step.number = step.number.model_copy(update={"writings": answered})
    if not step.has_unjoined:
        waiting = sorted(step.store.names(WAIT))
        step.timers.update(spread_timers(waiting, step.now))
        reevaluate_all(step, Evidence())


# --- while the answer is out


def ask_others(step: StepBuilder) -> None:
    """Ask each key once."""
    if step.number.moved or not E164.fullmatch(step.phone):
        return
    asked = step.number.writings or {}
    for former in former_writings(step.phone):
        if former not in asked:
            question = NumberMove(
                tenant=step.tenant_id, number=former, former=former, step=MoveStep.ASK, at=step.now
            )
            step.publish(NUMBER_MOVES, question)
            asked = {**asked, former: False}
    if asked != (step.number.writings or {}):
        step.number = step.number.model_copy(update={"writings": asked})


def must_wait(record: InputRecord) -> bool:
    """What may send, or give consent, or touch a text that may stand elsewhere.  A STOP does not
    wait, nor does a text of the recipient's, which is dated."""
    value = record.value
    if isinstance(value, ConsentEvent):
        return value.action not in TAKES_AWAY
    return isinstance(value, _WAITING)


def keep_waiting(step: StepBuilder, record: InputRecord) -> None:
    data = BY_NAME[record.topic].encode(record.value).decode()
    if len(data) > LONGEST:
        reason = "a field holds a file, not a word"
        step.reject_record(record, DeadLetterCause.TOO_LARGE, reason)
        return
    number = step.number.waited + 1
    step.number = step.number.model_copy(update={"waited": number})
    entry = WaitingRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at_ms=record.at_ms,
        value=data,
    )
    step.put(f"{WAIT}{number:09d}", entry, None)


def read_waiting(step: StepBuilder, name: str) -> InputRecord | None:
    """The record, as it came; its entry is gone."""
    entry = step.store.get(name, WaitingRecord)
    if entry is None:
        return None
    step.put(name, None, None)
    value = BY_NAME[entry.topic].decode(entry.value.encode())
    return InputRecord(value, entry.topic, entry.partition, entry.offset, entry.at_ms)
