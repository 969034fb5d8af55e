"""What is no revocation by itself and may be one: gestures and reactions against us."""

from __future__ import annotations

from typing import Final

from schemas.keywords import Meaning, normalize
from streams.inbound_keywords.classification import Classification

_GESTURES: Final = "🛑✋🚫⛔🖐🤚🙅👎🖕😡🤬😠👿💢🔕📵❌❎🚷🤮🙄😤"
"""Without skin tones and signs of variation."""
_DISLIKE: Final = "👎"
_NEGATIVE_REACTIONS: Final = frozenset({"disliked"})


def find_gesture(text: str) -> Classification | None:
    """A text of emoji alone, one of them against us: 🛑, 😡😡."""
    if text.isascii() or normalize(text):
        return None
    return _by("gesture", text)


def find_reaction(name: str) -> Classification | None:
    """A reaction to one of our texts, by its name or emoji, that is against us."""
    if name in _NEGATIVE_REACTIONS:
        return Classification(Meaning.POSSIBLE, f"reaction:{name}", _DISLIKE)
    return _by("reaction", name)


def _by(kind: str, text: str) -> Classification | None:
    found = next((character for character in text if character in _GESTURES), None)
    return Classification(Meaning.POSSIBLE, f"{kind}:{found}", found) if found else None
