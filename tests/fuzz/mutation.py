"""Other inputs from those that are known: bytes are changed, and JSON as JSON."""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

LONGEST: Final = 64 << 10
"""Bytes of an input: what is longer is slow, and refused by size everywhere."""
ODD_BYTES: Final = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", "é".encode(), "🛑".encode(),
    "\u202e".encode(), b"\r\n", b"\n", b"\r", b'"', b"'", b",", b";", b"\t", b"=", b"&", b"%", b"%00",
    b"%ud800", b"{", b"}", b"[", b"]", b"\\u0000", b"\\ud800", b"null", b"true", b"-", b"+", b"0",
    b"9" * 30, b"1e400", b"NaN", b"+12125550123", b"2026-02-30", b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:60Z", b"../", b"$", b"|", b"{{", b"{%", b" " * 50, b"[" * 300, b"(" * 300,
)  # fmt: skip
ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 2**63, 10**30, 1.5, 1e308, "", " ", "\x00", "\ud800", "x" * 3000, "é" * 700,
    "+12125550123", "2026-12-01", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", [], {}, [[]],
    {"": None}, ["x"] * 60, "1" * 400, "-0", "\u202e",
)  # fmt: skip


def mutate(random: Random, data: bytes, others: list[bytes], words: list[bytes]) -> bytes:
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        if random.random() < 0.4 and (changed := _mutate_json(random, data)) is not None:
            data = changed
        else:
            data = _mutate_bytes(random, data, others, words)
    return data[:LONGEST]


def _mutate_bytes(random: Random, data: bytes, others: list[bytes], words: list[bytes]) -> bytes:
    at = random.randint(0, len(data))
    length = random.choice((1, 1, 2, 4, 8, 32))
    match random.randrange(7):
        case 0 if data:
            at = min(at, len(data) - 1)
            return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        case 1:
            return data[:at] + data[at + length :]
        case 2:
            return data[: at + length] + data[at:]
        case 3:
            return data[:at] + random.choice(ODD_BYTES) + data[at + random.choice((0, length)) :]
        case 4 if words:
            return data[:at] + random.choice(words) + data[at + random.choice((0, length)) :]
        case 5 if others:
            other = random.choice(others)
            return data[:at] + other[random.randint(0, len(other)) :]
        case _:
            lines = data.split(b"\n")
            line = random.randrange(len(lines))
            lines.insert(random.randrange(len(lines)), lines[line])
            return b"\n".join(lines)


def _mutate_json(random: Random, data: bytes) -> bytes | None:
    """One value becomes another, a field goes or comes twice. None: there is no JSON in it. What
    stands before it (a head of lines) stays."""
    start = data.find(b"{")
    if start < 0:
        return None
    try:
        document = json.loads(data[start:])
    except (ValueError, RecursionError):
        return None
    places = list(_places(document))
    if not places:
        return None
    holder, name = random.choice(places)
    match random.randrange(4):
        case 0:
            del holder[name]
        case 1:
            holder[name] = json.loads(json.dumps(random.choice(places)[0]))
        case _:
            holder[name] = random.choice(ODD_VALUES)
    try:
        return data[:start] + json.dumps(document).encode()
    except (ValueError, RecursionError):
        return None


def _places(document: Any) -> Any:
    """(holder, name or index) of every value."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from ((one, name) for name in one)
            waiting += one.values()
        elif isinstance(one, list):
            yield from ((one, index) for index in range(len(one)))
            waiting += one
