"""A text's body on its way out: what no provider takes, and smart encoding.

Phones and word processors write curly quotes, dashes, ellipses and hard spaces.  One of them makes
a whole text UCS-2, which halves what fits a segment.  Smart encoding writes plain characters
instead.  The table is Twilio's own, from npm's sms-segments-calculator 1.3.0 (see NOTICE).  We
apply it ourselves, and not the provider, so that the text which was evaluated, counted, paced and
recorded is the text that goes out.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.blank_text import is_blank
from schemas.tenant_settings import TenantSettings
from schemas.tsv import read_rows
from streams.encoding.segments import count_segments
from streams.reasons import Reason
from streams.rule_names import RuleName

MAX_BODY: Final = 1600
"""Characters in one text: Twilio's limit (error 21617)."""


def why_unsendable(body: str) -> Reason | None:
    """Refuse what the provider would refuse (Twilio 21602, 21617), before the text is queued or
    paid for."""
    if len(body) > MAX_BODY:
        return Reason(
            RuleName.INVALID_BODY,
            f"The text has {len(body)} characters; {MAX_BODY} is the most",
            "shorten it",
        )
    if is_blank(body):
        return Reason(RuleName.INVALID_BODY, "The text is empty", "write something")
    if "\0" in body:
        return Reason(
            RuleName.INVALID_BODY,
            "The text holds a NUL character",
            "take it out: it comes from a fault in the producer",
        )
    return None


def encode_body(body: str, tenant: TenantSettings | None) -> str:
    """The text as this tenant sends it; encoding it again changes nothing.

    The plain text is not used where it would cost more segments (a tab becomes seven spaces, which
    are no cheaper beside an emoji), or where no provider would take it."""
    if tenant is None or not tenant.smart_encoding or why_unsendable(body):
        return body
    plain = replace_smart_chars(body)
    return body if why_unsendable(plain) or count_segments(plain) > count_segments(body) else plain


def replace_smart_chars(body: str) -> str:
    """Replace every character that the table names, whatever it costs."""
    return body.translate(REPLACEMENTS) if _ANY_SMART.search(body) else body


def _read_table() -> dict[int, str]:
    rows = read_rows("streams.encoding", "replacements.tsv")
    return {int(character, 16): replacement for character, replacement, _name in rows}


REPLACEMENTS: Final = _read_table()
"""By code point.  No replacement contains a character that is itself replaced."""
_ANY_SMART: Final = re.compile(f"[{re.escape(''.join(map(chr, REPLACEMENTS)))}]")
"""Most texts hold no such character, and `translate` takes ten times as long as this search."""
