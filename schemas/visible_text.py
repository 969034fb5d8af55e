"""Characters that a terminal would obey instead of showing, made visible.

Anybody may have written a text.  Control characters move the cursor or change colours; directional
ones reverse what stands behind them, so that a person reads something else than is there."""

from __future__ import annotations

from typing import Final

_C0: Final = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
"""As their pictures: ␀ to ␟."""
_C1: Final = dict.fromkeys(range(0x7F, 0xA0), 0xFFFD)
_DIRECTIONAL: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_BREAKS: Final = (0x2028, 0x2029)
"""Line and paragraph separators."""
_HALVES: Final = range(0xD800, 0xE000)
"""Lone surrogates, which no encoding can write."""

VISIBLE: Final = (
    _C0 | _C1 | {code: f"<U+{code:04X}>" for code in (*_DIRECTIONAL, *_BREAKS, *_HALVES)}
)
"""For `str.translate`.  Line ends and tabs stay."""
ON_ONE_LINE: Final = VISIBLE | {ord(sign): 0x2400 + ord(sign) for sign in "\t\n"}
IN_JSON: Final = {
    code: f"\\u{code:04x}" for code in (*_C1, *_DIRECTIONAL, *_BREAKS, *_HALVES, 0xFEFF)
}
"""For JSON that is written without escapes: the same values, read back as they were."""
