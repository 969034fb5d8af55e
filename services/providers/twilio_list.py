"""Twilio's list of messages, read whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.numbers import e164
from streams.dispatch.provider_calls import ListedMessage, Lookup

PAGE: Final = 1000
"""Entries a page, Twilio's most."""
MOST_PAGES: Final = 20
_SECOND: Final = timedelta(seconds=1)
"""Twilio's times are whole seconds."""


class NotWhole(Exception):
    """One sentence: why what was read is not the whole list."""


async def listed(messages: Any, look: Lookup) -> tuple[ListedMessage, ...]:
    """`messages`: the SDK's.  Raises NotWhole, and what the SDK raises.

    Twilio filters by To, From and DateSent only, and DateSent is null while a text is queued, so by To alone; it sorts
    by DateSent, so the window says nothing of where to stop: every page is read."""
    page = await messages.page_async(to=e164(look.to), page_size=PAGE)
    found: dict[str, ListedMessage] = {}
    for _ in range(MOST_PAGES):
        for message in page:
            entry = _entry(message)
            if message.direction != "inbound" and _within(entry.created_at, look):
                found[entry.provider_id] = entry
        page = await page.next_page_async()
        if page is None:
            return tuple(found.values())
    raise NotWhole(f"the list is longer than {MOST_PAGES * PAGE:,} entries")


def _within(made: datetime, look: Lookup) -> bool:
    return look.not_before - _SECOND <= made <= look.not_after


def counted(num_segments: object) -> int | None:
    """Written as a word; a messaging service says 0 until it has chosen a number: not known."""
    said = str(num_segments or "")
    return int(said) if said.isdecimal() and len(said) < 4 and int(said) else None


def _entry(message: Any) -> ListedMessage:
    """Raises NotWhole for one that cannot be placed: it could be the one that is looked for."""
    if (
        not isinstance(message.sid, str)
        or not message.sid
        or not isinstance(message.date_created, datetime)
    ):
        raise NotWhole("an entry of the list has no sid or no time of creation")
    return ListedMessage(
        provider_id=message.sid,
        sender=message.messaging_service_sid or message.from_ or None,
        body=message.body or "",
        num_segments=counted(message.num_segments),
        status=str(message.status or ""),
        created_at=message.date_created.astimezone(UTC),
        error_code=None if message.error_code is None else str(message.error_code),
    )
