"""Look at parties and anchors again, some hundred texts a step.

One change may matter to 10,000 parties: a launch, another title, a closed case.  A step deals with
`STEP` of them, and a timer goes on with the rest.  So timers and other cases never wait long.  A
change that comes meanwhile begins the walk again: what was dealt with already takes no harm.

A walk over an anchor goes first through the texts that have an entry, then through the parties to
whom something is due that has none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.send_request import Kind
from streams.cases.anchors import (
    FORGET_AFTER,
    USEFUL_AFTER,
    Use,
    find_uses,
    name_text,
    time_of,
)
from streams.cases.audience import digest_audience
from streams.cases.draft import Draft, take_after
from streams.cases.occasions import begins_at
from streams.cases.parties import update_party
from streams.cases.state import (
    CASE,
    DUE,
    PARTIES,
    SWEEP,
    Anchor,
    EventEntry,
    Progress,
    SweepEntry,
    text_name,
    text_parts,
)
from streams.cases.texts import list_left_out, settle_text, settle_use

STEP: Final = 300
AT_ONCE: Final = timedelta(milliseconds=1)
FEW_ANCHORS: Final = 20
"""Anchors that are looked at in the step of a change; timers look at the others."""
LOOK_AHEAD: Final = timedelta(hours=26)
"""Quiet hours may bring a text forward, by less than that: only then are parties looked at."""
LOOK_FAR_AHEAD: Final = timedelta(days=6)
"""The same for marketing, which has Sundays and holidays too."""
OF_TEXTS: Final = "texts"
OF_PARTIES: Final = "parties"


# --- parties


def start_sweep(draft: Draft) -> None:
    _sweep(draft, "")


def continue_sweep(draft: Draft) -> None:
    entry = draft.get(SWEEP, SweepEntry)
    if entry is not None:
        _sweep(draft, entry.after)


def _sweep(draft: Draft, after: str) -> None:
    names = take_after(draft.index.by_sort[PARTIES], after, STEP)
    for name in names:
        update_party(draft, name.removeprefix(PARTIES))
    if len(names) < STEP:
        if draft.has(SWEEP):
            draft.remove(SWEEP)
        return
    draft.put(SWEEP, SweepEntry(after=names[-1]))
    draft.set_timer(SWEEP, draft.now + AT_ONCE)


def look_at_person(draft: Draft, person_id: str) -> None:
    """A party has changed: what is due to them now, or was requested for them."""
    update_party(draft, person_id)
    if draft.is_behind:
        _look_later(draft, draft.index.anchors())
        return
    for anchor in _busy_anchors(draft):
        entry = draft.anchor(anchor)
        if entry is None:
            continue
        near = _near_uses(draft, anchor, entry)
        wakes = [settle_use(draft, use, person_id) for use in near]
        for use in find_uses(draft, anchor):
            text = text_name(anchor, name_text(draft, use, person_id))
            if use not in near and draft.has(text):
                wakes.append(settle_text(draft, text))
            wakes += [settle_text(draft, other) for other in list_left_out(draft, text)]
        _wake_at(draft, anchor, wakes)


def look_at_text(draft: Draft, name: str) -> None:
    """Its state has changed."""
    if draft.is_behind:
        _look_later(draft, [text_parts(name)[0]])
        return
    _wake_at(draft, text_parts(name)[0], [settle_text(draft, name)])


def _wake_at(draft: Draft, anchor: str, wakes: list[datetime | None]) -> None:
    """Look at the anchor earlier, if need be.  A walk under way sets the timer at its end."""
    entry = draft.anchor(anchor)
    if entry is None:
        return
    before = entry.progress.next_at
    wake = min((one for one in (*wakes, before) if one is not None), default=None)
    if wake is not None and wake != before:
        _keep(draft, anchor, entry, next_at=wake)
        if not entry.progress.step:
            draft.set_timer(anchor, wake)


def _busy_anchors(draft: Draft) -> list[str]:
    """Those of which something may be due now, or has been requested."""
    active = draft.index.active
    if active is None:
        active = draft.index.active = {
            name: None
            for name in draft.index.anchors()
            if (entry := draft.anchor(name)) is not None and entry.progress.is_active
        }
    texted = (f"{DUE}{anchor}" for anchor, texts in draft.index.texts.items() if texts)
    return sorted({*active, *texted})


# --- anchors


def look_at_anchors(draft: Draft, names: Iterable[str]) -> None:
    ordered = sorted(names)
    at_once = 0 if draft.is_behind else FEW_ANCHORS
    for name in ordered[:at_once]:
        look_at_anchor(draft, name)
    _look_later(draft, ordered[at_once:])


def _look_later(draft: Draft, names: Iterable[str]) -> None:
    """By timers, which wait until all is read that was said while nobody worked."""
    for number, name in enumerate(names):
        entry = draft.anchor(name)
        if entry is not None:
            at = draft.now + number // FEW_ANCHORS * AT_ONCE
            _keep(draft, name, entry, step="", after="", next_at=at)
            draft.set_timer(name, at)


def look_at_anchor(draft: Draft, name: str) -> None:
    entry = draft.anchor(name)
    if entry is not None:
        _walk(draft, name, entry, OF_TEXTS, "", None)


def continue_walk(draft: Draft, name: str) -> None:
    """An anchor's timer has fired, or the tenant's settings have changed."""
    entry = draft.anchor(name)
    if entry is None:
        return
    draft.index.audience = True
    progress = entry.progress
    if progress.step and progress.settings == _version(draft):
        _walk(draft, name, entry, progress.step, progress.after, progress.next_at)
    else:
        _walk(draft, name, entry, OF_TEXTS, "", None)


def follow_audience(draft: Draft) -> None:
    """A task, an event or the tenant's recipes may name others now, or the tenant may text other
    numbers: who has become due a text is asked for opt-in.  Looked at once a batch."""
    draft.index.audience = False
    case = draft.case
    digest = digest_audience(draft)
    if case.launched is not None and digest != case.audience:
        draft.keep(CASE, case.model_copy(update={"audience": digest}))
        draft.show()
        start_sweep(draft)


def _walk(
    draft: Draft, name: str, entry: Anchor, step: str, after: str, wake: datetime | None
) -> None:
    left = STEP
    wakes = [wake]
    if step == OF_TEXTS:
        texts = take_after(draft.index.texts.get(name.removeprefix(DUE), []), after, left)
        wakes += [settle_text(draft, text) for text in texts]
        left -= len(texts)
        if left == 0:
            _pause(draft, name, OF_TEXTS, texts[-1], wakes)
            return
        after = ""
    uses = _near_uses(draft, name, entry)
    if uses:
        parties = take_after(draft.index.by_sort[PARTIES], after, left)
        for party in parties:
            person_id = party.removeprefix(PARTIES)
            wakes += [_settle_new(draft, use, person_id) for use in uses]
        if len(parties) == left:
            _pause(draft, name, OF_PARTIES, parties[-1], wakes)
            return
    _finish(draft, name, uses, wakes)


def _settle_new(draft: Draft, use: Use, person_id: str) -> datetime | None:
    """Texts that have an entry were looked at before, in the same walk."""
    if draft.has(text_name(use.anchor, name_text(draft, use, person_id))):
        return None
    return settle_use(draft, use, person_id)


def _near_uses(draft: Draft, name: str, entry: Anchor) -> list[Use]:
    """Those that may be due now, and have not been dealt with for good."""
    over = entry.progress.over
    uses = find_uses(draft, name)
    return [use for use in uses if _looks_from(use) <= draft.now and use.token not in over]


def _looks_from(use: Use) -> datetime:
    return use.due - (LOOK_FAR_AHEAD if use.kind == Kind.MARKETING else LOOK_AHEAD)


def _pause(draft: Draft, name: str, step: str, after: str, wakes: list[datetime | None]) -> None:
    entry = draft.anchor(name)
    assert entry is not None
    wake = min((one for one in wakes if one is not None), default=None)
    walk = {"step": step, "after": after, "settings": _version(draft)}
    _keep(draft, name, entry, **walk, next_at=wake, is_active=True)
    draft.set_timer(name, draft.now + AT_ONCE)


def _version(draft: Draft) -> str:
    return draft.settings.versions.get(draft.tenant_id, "")


def _finish(draft: Draft, name: str, near: list[Use], wakes: list[datetime | None]) -> None:
    """All was looked at: note what that was, and when to look again."""
    entry = draft.anchor(name)
    assert entry is not None
    now = draft.now
    uses = find_uses(draft, name)
    waits = any(one is not None for one in wakes)
    over = set(entry.progress.over)
    if not waits:
        over |= {use.token for use in near if use.ends_at <= now}
    open_uses = [use for use in uses if use.token not in over]
    wakes += [_looks_from(use) for use in open_uses if _looks_from(use) > now]
    wakes += [use.ends_at for use in open_uses if _looks_from(use) <= now < use.ends_at]
    wake = min((one for one in wakes if one is not None), default=None)
    progress = entry.progress
    known = {*progress.armed, *progress.over}
    time = time_of(draft, entry)
    first_seen = progress.first_seen if progress.seen_time == time else now
    begins = (begins_at(draft, name), progress.latest_begin)
    tokens = {use.token for use in uses} | (known if draft.case.closed else set())
    ahead = {use.token for use in uses if use.due > now} | set(progress.armed)
    _keep(
        draft,
        name,
        entry,
        first_seen=first_seen,
        seen_time=time,
        armed=tuple(sorted(ahead & tokens)),
        over=tuple(sorted(over & tokens)),
        step="",
        after="",
        settings="",
        next_at=wake,
        latest_begin=max((one for one in begins if one is not None), default=None),
        is_active=any(_looks_from(use) <= now for use in open_uses),
    )
    _show_next(draft, name, min((use.due for use in open_uses if use.due > now), default=None))
    if wake is None:
        wake = _forget_texts(draft, name)
    draft.set_timer(name, wake)


def _show_next(draft: Draft, name: str, at: datetime | None) -> None:
    entry = draft.anchor(name)
    if isinstance(entry, EventEntry) and entry.told_next != at:
        draft.keep(name, entry.model_copy(update={"told_next": at}))
        draft.show()


def _forget_texts(draft: Draft, name: str) -> datetime | None:
    """Nothing is ahead: the texts of an event that is long past are forgotten, and so is each of
    its times.  One that is still to come may return.  Those of a task are kept, for it may be put
    off."""
    texts = draft.index.texts.get(name.removeprefix(DUE), [])
    entry = draft.anchor(name)
    begins = entry.progress.latest_begin if entry is not None else None
    if not texts or begins is None:
        return None
    at = begins + USEFUL_AFTER + FORGET_AFTER
    if at > draft.now:
        return at
    for text in texts[:STEP]:
        draft.remove(text)
    return draft.now + AT_ONCE


def _keep(draft: Draft, name: str, entry: Anchor, **changes: Any) -> None:
    progress: Progress = entry.progress.model_copy(update=changes)
    if progress != entry.progress:
        draft.keep(name, entry.model_copy(update={"progress": progress}))
    active = draft.index.active
    if active is not None:
        if progress.is_active:
            active[name] = None
        else:
            active.pop(name, None)
