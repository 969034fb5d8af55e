"""The ways in which clients write one and the same address.

An address is configured in one writing, and the client that calls it may escape some characters:
`~`, `'`, `|`, a blank, letters that are not ASCII.  Twilio may sign the one and call the other.
All writings here are read as the same path and the same query, so it is safe to believe any that
the right token has signed.

Letters, digits, `-`, `.` and `_` are left as they came: no client escapes them.  So are characters
that would change the meaning: `/` and `?` in a path, `&`, `=` and `%2B` in a query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

LONGEST: Final = 2048
"""Characters of an address that is tried in other writings; ours have about 200."""

_PIECE: Final = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_FIXED_IN_PATH: Final = frozenset(b"/?#%") | _PLAIN
_FIXED_IN_QUERY: Final = frozenset(b"&=+#%") | _PLAIN
_AS_TYPED: Final = "~!$'()*,;:@/?|\"<>[]{}^`\\"
_UNESCAPED: Final = (
    "",
    "~",  # RFC 3986, unreserved
    "*",  # Java's URLEncoder
    "~!*'()",  # JavaScript's encodeURIComponent
    "~!$'()*,;:@/?",  # RFC 3986, path and query
    "~!$()*,;:@/?[]{}|^`\\",  # WHATWG, query
    _AS_TYPED,
)
"""What each kind of client leaves unescaped."""


class _Writing(NamedTuple):
    """How a client writes what may be escaped."""

    unescaped: frozenset[str]
    blank: str
    escape: str
    """A format of one byte."""

    def write(self, part: str | bytes) -> str:
        if isinstance(part, str):
            return part
        try:
            signs = part.decode()
        except UnicodeDecodeError:
            signs = part.decode("latin-1").translate(_HIDDEN)  # no text: every such byte is escaped
        return "".join(map(self._write_sign, signs))

    def _write_sign(self, sign: str) -> str:
        if sign == " ":
            return self.blank
        if sign in self.unescaped or (not sign.isascii() and self.blank == " "):
            return sign
        data = bytes([ord(sign) - _PRIVATE]) if sign >= chr(_PRIVATE) else sign.encode()
        return "".join(map(self.escape.format, data))


_PRIVATE: Final = 0x10FF00
_HIDDEN: Final = {byte: _PRIVATE + byte for byte in range(0x80, 0x100)}


def list_writings(address: str) -> Iterator[str]:
    """The other writings of a path with its query.  Raises ValueError for half a character."""
    if len(address) > LONGEST or "#" in address:
        return
    path, mark, query = address.partition("?")
    in_path = list(_split(path, _FIXED_IN_PATH, is_query=False))
    in_query = list(_split(query, _FIXED_IN_QUERY, is_query=True))
    if all(isinstance(part, str) for part in in_path + in_query):
        return
    seen = {address}
    for unescaped, escape in product(_UNESCAPED, ("%{:02X}", "%{:02x}")):
        for blank in ("%20", "+", " ") if unescaped == _AS_TYPED else ("%20", "+"):
            for_query = _Writing(frozenset(unescaped), blank, escape)
            for_path = _Writing(frozenset(unescaped + "+&="), blank.replace("+", "%20"), escape)
            written = "".join(map(for_path.write, in_path)) + mark
            written += "".join(map(for_query.write, in_query))
            if written not in seen:
                seen.add(written)
                yield written


def _split(text: str, fixed: frozenset[int], *, is_query: bool) -> Iterator[str | bytes]:
    """What stays as it came, as text; what may be escaped or not, as bytes."""
    run = b""
    for piece in _PIECE.findall(text):
        is_blank = is_query and piece == "+"
        data = bytes.fromhex(piece[1:]) if len(piece) > 1 else piece.encode()
        if is_blank or len(data) > 1 or data[0] not in fixed:
            run += b" " if is_blank else data
            continue
        if run:
            yield run
            run = b""
        yield piece
    if run:
        yield run
