"""Sentences made of parts: `grammar/<lang>.txt` says how people put the same wish in other words,
and what is almost one and is none.

A line is a comment (`#`), a part (`@me = me | us`), a sentence that revokes (`+ stop @texting @me`),
one that a person ought to read (`? wrong number`), or an ordinary one (`- stop by @when`).
`[please]` may be there or not, `(a|b)` is one of both, `[a|b]` one of both or neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from streams.inbound_keywords.labelled import Label

LABELS = {"+": Label.REVOKE, "?": Label.UNSURE, "-": Label.NONE}
PER_FRAME = 40
"""Sentences of one frame at most."""
_CHOICE = re.compile(r"@([a-z]+)|\[([^\[\]()]*)\]|\(([^\[\]()]*)\)")


class Grammar(NamedTuple):
    parts: dict[str, tuple[str, ...]]
    frames: tuple[tuple[Label, str], ...]


def read_grammar(file: Path) -> Grammar:
    parts: dict[str, tuple[str, ...]] = {}
    frames = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@"):
            name, _, choices = line[1:].partition("=")
            parts[name.strip()] = tuple(choice.strip() for choice in choices.split("|"))
        else:
            frames.append((LABELS[line[0]], line[1:].strip()))
    return Grammar(parts, tuple(frames))


def expand(grammar: Grammar, seed: str) -> Iterator[tuple[Label, str]]:
    """The same sentences whenever it is called, and each once."""
    seen: set[str] = set()
    for place, (label, frame) in enumerate(grammar.frames):
        for turn in range(PER_FRAME):
            text = _fill(grammar, frame, f"{seed} {place} {turn}")
            if text and text not in seen:
                seen.add(text)
                yield label, text


def _fill(grammar: Grammar, frame: str, seed: str) -> str:
    count = 0
    while match := _CHOICE.search(frame):
        count += 1
        name, maybe, either = match.groups()
        if name is not None:
            choices = grammar.parts[name]
        elif maybe is not None:
            some = tuple(maybe.split("|"))
            choices = some + ("",) * len(some)
        else:
            choices = tuple(either.split("|"))
        drawn = blake2b(f"{seed} {count}".encode(), digest_size=4).digest()
        chosen = choices[int.from_bytes(drawn, "big") % len(choices)]
        frame = frame[: match.start()] + chosen + frame[match.end() :]
    return " ".join(frame.split())
