"""What an inbound text is to a conversation, by its words alone."""

from __future__ import annotations

from typing import Final

from schemas.inbound import Reply
from schemas.keywords import Meaning, normalize, strip_marks
from schemas.tenant_settings import TenantSettings
from schemas.thread import InboundUse
from streams.inbound_keywords import classify_answer, classify_inbound, is_soft_yes
from streams.inbound_keywords.own_words import own_words
from streams.threads.state import NAME_AT_MOST, WORD_AT_MOST, TextEntry

KEYWORDS: Final = frozenset({Meaning.STOP, Meaning.REVOKE, Meaning.START, Meaning.HELP})


def read_text(reply: Reply, tenant: TenantSettings | None, known: TextEntry) -> TextEntry:
    """The entry of an inbound text.  Its words are not kept, but for what may be a confirmation."""
    use, word = _read(reply, tenant)
    changes = {
        "provider_id": reply.provider_id[:NAME_AT_MOST],
        "received_at": reply.received_at,
        "use": use,
        "word": word,
    }
    return known.model_copy(update=changes)


def _read(reply: Reply, tenant: TenantSettings | None) -> tuple[InboundUse, str]:
    """What may be an opt-out is for people to read, also where it is a reaction.

    A yes is a keyword only after an opt-in request: any other answers a question of somebody's."""
    found = classify_inbound(reply, tenant)
    if reply.after_request:
        found = classify_answer(found, reply.body)
    if found.meaning in KEYWORDS:
        return InboundUse.KEYWORD, ""
    if found.meaning is Meaning.POSSIBLE:
        return InboundUse.WAITS, ""
    if reply.after_request and (found.meaning is Meaning.YES or is_soft_yes(reply.body)):
        return InboundUse.KEYWORD, ""
    if reply.body and own_words(reply.body).reaction:
        return InboundUse.REACTION, ""
    is_word = found.meaning is Meaning.NONE and not reply.media
    return InboundUse.WAITS, compare_word(reply.body) if is_word else ""


def compare_word(written: str) -> str:
    """`"C!"` → `c`; empty if it is no word but a text."""
    if len(written) > WORD_AT_MOST:
        return ""
    word = strip_marks(normalize(written))
    return word if len(word) <= WORD_AT_MOST else ""
