"""Whether what the provider lists has our words, though the provider may have rewritten them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from streams.encoding.smart import replaced

_LINK: Final = re.compile(
    r"\b(?:https?://|www\.)\S+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/\S+", re.IGNORECASE
)
_BLANKS: Final = re.compile(r"\s+")
_TRIAL: Final = "Sent from your Twilio trial account - "
"""Put before every text of a trial account (Twilio's help article "Twilio Free Trial Limitations")."""


def plain(body: str) -> str:
    """What stays of a text under Smart Encoding (plainer characters), link shortening (every link is the same one
    here) and trimming.  Two texts that differ only in these count as the same words: then numbers must decide."""
    linkless = _LINK.sub("<link>", body.removeprefix(_TRIAL))
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", replaced(linkless))).strip()
