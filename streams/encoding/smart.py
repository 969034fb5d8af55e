"""Characters that phones and word processors write for people, and that make a whole text UCS-2, in plainer ones: curly
quotes, dashes, an ellipsis, spaces that do not break.

The table is Twilio's own for Smart Encoding, from npm's sms-segments-calculator 1.3.0 (see NOTICE).  It is done here
rather than at the provider, so that what was judged, counted, paced and written down is what goes out.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from schemas.tenant_settings import TenantSettings
from streams.body_limits import why_unsendable
from streams.segments import segments


def outgoing(body: str, tenant: TenantSettings | None) -> str:
    """The text as this tenant sends it.  Done twice it is the same; it never costs more segments (a tab becomes seven
    spaces, which are no cheaper beside an emoji), and is not made into one that no provider takes."""
    if tenant is None or not tenant.smart_encoding or why_unsendable(body):
        return body
    plainer = replaced(body)
    return body if why_unsendable(plainer) or segments(plainer) > segments(body) else plainer


def replaced(body: str) -> str:
    """Every character that the table names, whatever it costs."""
    return body.translate(REPLACEMENTS) if _NAMED.search(body) else body


def _table() -> dict[int, str]:
    lines = files(__package__).joinpath("replacements.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines[1:])
    return {int(character, 16): replacement for character, replacement, _name in rows}


REPLACEMENTS: Final = _table()
"""By code point.  None of them brings in a character that is replaced itself."""
_NAMED: Final = re.compile(f"[{re.escape(''.join(map(chr, REPLACEMENTS)))}]")
"""Most texts hold none of them, and to translate one takes ten times as long as to find that out."""
