"""Which case an inbound text is filed with.

Theory of operation
-------------------
A thread belongs to a tenant and a number.  Cases and people point at it, and several may.  A text
is filed once, by what was true when it came:

1. where staff have put it
2. the open case that texted the number last; staff who move a text to a case speak for it
3. the only open case
4. no case, where several are open and none has texted: people decide
5. if all cases are closed, the one that texted last; it is not reopened
6. if nothing was known of the number, what becomes known within a day (`SETTLES`)
7. no case: the tenant's unassigned inbox

Other open cases are named beside it.  A case that texted the number and that nobody has told us of
counts as open.

Inputs come from five topics.  So a text is filed again while more may become known of the moment
at which it came (`SETTLES`), and then stays where it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from streams.threads.conversation import Conversation
from streams.threads.state import OTHERS_AT_MOST, SETTLES, Standing, TextEntry

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Filing(NamedTuple):
    case_id: str | None = None
    others: tuple[str, ...] = ()
    on_closed: bool = False


def file_text(text: TextEntry, conversation: Conversation) -> TextEntry:
    assert text.received_at is not None
    filing = _find_filing(text, conversation)
    return text.model_copy(
        update={
            "filed": True,
            **filing._asdict(),
            "others": filing.others[:OTHERS_AT_MOST],
            "people": _find_people(text.received_at, conversation)[:OTHERS_AT_MOST],
        }
    )


def is_settled(text: TextEntry, now: datetime) -> bool:
    """It stays where it is, unless staff move it."""
    assert text.received_at is not None
    is_moved = text.moved is not None and text.moved.case_id != text.case_id
    return text.filed and not is_moved and now - text.received_at > SETTLES


def list_open_cases(conversation: Conversation, at: datetime) -> tuple[str, ...]:
    """Those with a party of this number; the one that spoke last comes first."""
    spoke = conversation.find_last_texts(at)
    standing = conversation.find_standing(at)
    return _sort({case for case, one in standing.items() if one is Standing.OPEN}, spoke)


def _find_people(at: datetime, conversation: Conversation) -> tuple[str, ...]:
    return conversation.find_people(at) or conversation.find_people(at + SETTLES)


def _find_filing(text: TextEntry, conversation: Conversation) -> Filing:
    """Somebody texts from a new number, and staff put it on their record: then it is theirs."""
    assert text.received_at is not None
    filing = _file_at(text.received_at, text, conversation)
    if filing != Filing() or text.moved is not None:
        return filing
    return _file_at(text.received_at + SETTLES, text, conversation)


def _file_at(at: datetime, text: TextEntry, conversation: Conversation) -> Filing:
    """By what was true then."""
    standing = conversation.find_standing(at)
    spoke = conversation.find_last_texts(at)
    open_cases = _sort(
        {case for case, one in standing.items() if one is Standing.OPEN}
        | (spoke.keys() - standing.keys()),
        spoke,
    )
    if text.moved is not None:
        case = text.moved.case_id
        others = tuple(one for one in open_cases if one != case)
        return Filing(case, others, standing.get(case or "") is Standing.CLOSED)
    if text.confirms is not None:
        return Filing(text.confirms.case_id)
    if open_cases:
        is_clear = len(open_cases) == 1 or open_cases[0] in spoke
        return Filing(open_cases[0], open_cases[1:]) if is_clear else Filing(None, open_cases)
    closed = _sort({case for case, one in standing.items() if one is Standing.CLOSED}, spoke)
    return Filing(closed[0], on_closed=True) if closed else Filing()


def _sort(cases: set[str], spoke: dict[str, datetime]) -> tuple[str, ...]:
    """The one that spoke last comes first."""
    return tuple(sorted(cases, key=lambda case: (spoke.get(case, _NEVER), case), reverse=True))
