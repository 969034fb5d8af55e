"""Why a text of a case ended as it did, or was taken back: each reason is worded once."""

from __future__ import annotations

from typing import Final

from streams.reasons import Reason

# --- it never went

LATE: Final = Reason(
    "late",
    "Its time had passed when it became known, and its recipe leaves it out then",
    "nothing, unless they should hear of it otherwise",
)
SUPERSEDED: Final = Reason(
    "superseded", "A later reminder with the same words goes instead", "nothing"
)
SWITCHED_OFF: Final = Reason(
    "switched_off",
    "Reminders were switched off, or the case was closed, when it was due",
    "nothing, unless they should hear of it otherwise",
)
SAME_TEXT: Final = Reason(
    "same_text", "The same words went to the same number, for another party", "nothing"
)
TOO_LATE: Final = Reason("too_late", "It would have come too late to be of use", "call them")
MISSING_VALUE: Final = Reason(
    "missing_value", "A value that its words need is missing", "fill it in"
)
INVALID_TEMPLATE: Final = Reason(
    "invalid_template", "Its template cannot be filled in", "correct the template"
)
NO_TEMPLATE: Final = Reason(
    "no_template", "There is no template of that name", "add it, or name another"
)
EMPTY_TEMPLATE: Final = Reason("no_template", "Its template has no text", "write one")

# --- it was taken back

CASE_CLOSED: Final = Reason("case_closed", "The case is closed", "nothing")
NOT_WANTED: Final = Reason(
    "not_wanted", "The case does not want it any more: somebody changed what it hangs on", "nothing"
)
EVENT_CHANGED: Final = Reason("event_changed", "Its event has moved or was canceled", "nothing")
OTHER_TIME: Final = Reason("other_time", "It is due at another time now", "nothing: it goes then")
OTHER_WORDS: Final = Reason(
    "other_words", "It would say something else now", "nothing: it goes with the new words"
)
UNTRUE: Final = Reason(
    "untrue", "Its words turn false while it waits", "nothing: it goes with the right words"
)
ARRIVED_BEFORE: Final = Reason("arrived_before", "An earlier try has gone out after all", "nothing")
