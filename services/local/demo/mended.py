"""What staff saw and did, on one screen: an approval, a failed text with its steps, and where it went then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from schemas.numbers import mask_number
from services.ledger import Ledger
from services.ledger.mailbox import MailboxFilter, MailboxItem, find_messages
from services.ledger.message_status import find_request
from services.local.demo.staff import BY, Played
from services.terminal import color_word
from streams.error_codes import lookup


def mended(ledger: Ledger, tenant: str, did: Played) -> Iterator[RenderableType]:
    now = datetime.now(UTC)
    items = {
        one.message_id: one
        for one in find_messages(ledger, MailboxFilter(tenant, ids=tuple(did.identities)), now)
    }
    for word, name in (("approved", did.approved), ("rejected", did.rejected)):
        if name in items:
            yield Text.assemble(
                f"{BY} {word} ", (name, "bold"), ", which is ", color_word(items[name].state), ":"
            )
            yield _within(_text(ledger, items[name]))
    if did.failed in items:
        yield from _failed(items[did.failed])
    if did.resent in items:
        again = items[did.resent]
        yield Text.assemble(
            "Resent as ",
            (did.resent, "bold"),
            f" to {mask_number(again.number or '')}, which is ",
            color_word(again.state),
            "; the number is corrected on their record.",
        )


def _text(ledger: Ledger, item: MailboxItem) -> str:
    known = find_request(ledger, item.tenant, item.message_id)
    return known.body if known else ""


def _failed(item: MailboxItem) -> Iterator[RenderableType]:
    """The code's words, and what to do, step by step."""
    code = lookup(item.outcome.get("error_code") or "")
    yield Text.assemble(
        (item.message_id, "bold"),
        f" to {mask_number(item.number or '')} is ",
        color_word(item.state),
        f" with code {code.code}: {code.title}",
    )
    steps = (f"  {n}. {step}" for n, step in enumerate(code.steps, 1))
    yield from map(_within, (code.description, "What to do", *steps))


def _within(words: str) -> RenderableType:
    return Padding(words, (0, 0, 0, 4), expand=False)
