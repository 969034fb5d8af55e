"""Look at all parties of a case again, some hundred a step.

One change may matter to 10,000 parties: a launch, another title, a closed case.  A step deals with
`STEP` of them, and a timer goes on with the rest.  So timers and other cases never wait long.  A
change that comes meanwhile begins the walk anew: what was dealt with already takes no harm."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from streams.cases.draft import Draft, take_after
from streams.cases.parties import update_party
from streams.cases.state import PARTIES, SWEEP, SweepEntry

STEP: Final = 300
AT_ONCE: Final = timedelta(milliseconds=1)


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
