"""A number's consent log as a chain: each entry holds its place in the row and the hash of the one before, so that
whoever has the entries can tell offline that one was changed, taken out or moved.

An entry's hash is the SHA-256 of its canonical JSON without the field `hash`: keys sorted by UTF-16 code units, no
blanks, UTF-8 (RFC 8785; its rules for fractions do not matter, entries hold none).  The chain has no key and is no
signature: a whole end of it, cut off or written anew, is only noticed by somebody who knows the head from elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from schemas.consent_change import ConsentChange
from streams.gate.state import NumberRow

BEFORE_THE_FIRST: Final = ""
"""What the first entry has for the hash of the one before it."""

Entry = Mapping[str, Any]
"""As it stands on the topic, parsed; fields that this version does not know are part of it."""


class Linked(NamedTuple):
    row: NumberRow
    change: ConsentChange


def linked(row: NumberRow, change: ConsentChange) -> Linked:
    """The next entry, and the number's row, which remembers where its chain ends."""
    placed = change.model_copy(
        update={"seq": row.log_seq + 1, "previous": row.log_hash, "hash": None}
    )
    digest = entry_hash(placed.model_dump(mode="json", exclude_none=True))
    after = row.model_copy(update={"log_seq": row.log_seq + 1, "log_hash": digest})
    return Linked(after, placed.model_copy(update={"hash": digest}))


def entry_hash(entry: Entry) -> str:
    """64 hex digits."""
    return hashlib.sha256(
        canonical({name: value for name, value in entry.items() if name != "hash"})
    ).hexdigest()


def canonical(value: Any) -> bytes:
    """For any JSON value; half a character, which no honest entry holds, has bytes of its own rather than none."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _sorted(value: Any) -> Any:
    match value:
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return {name: _sorted(value[name]) for name in names}
        case list() | tuple():
            return [_sorted(part) for part in value]
    return value


class Flaw(NamedTuple):
    """`seq` names the entry; `what` is changed, removed, moved, replaced or doubled."""

    seq: int
    what: str
    words: str


class _Link(NamedTuple):
    """An entry as given: `sound` if it fits its own hash; what the next may call it: by that hash, or the true one."""

    entry: Entry
    sound: bool
    hashes: frozenset[str]


def flaws(entries: Iterable[Entry]) -> tuple[Flaw, ...]:
    """What is wrong with one number's entries, given in the order of the log; nothing if the chain is whole as far as
    it goes.  An entry that is there again, the same to the letter, is no flaw."""
    chain = _once(entries)
    places = _places(chain)
    by_seq: dict[int, _Link] = {}
    for seq, link in zip(places, chain, strict=True):
        if seq not in by_seq or link.sound > by_seq[seq].sound:
            by_seq[seq] = link
    found = [
        *_changed(chain, places),
        *_doubled(chain, places),
        *_removed(by_seq),
        *_moved(places),
        *_cut(by_seq),
    ]
    return tuple(sorted(found))


def _once(entries: Iterable[Entry]) -> list[_Link]:
    first: dict[bytes, Entry] = {}
    for entry in entries:
        first.setdefault(canonical(entry), entry)
    return [_link(entry) for entry in first.values()]


def _link(entry: Entry) -> _Link:
    recorded, true = entry.get("hash"), entry_hash(entry)
    sound = recorded == true and type(entry.get("seq")) is int
    return _Link(entry, sound, frozenset({true, recorded} if isinstance(recorded, str) else {true}))


def _places(chain: Sequence[_Link]) -> list[int]:
    """The place of each.  One that was changed may lie about it: its neighbours know better."""
    sound = [link for link in chain if link.sound]
    by_previous = {link.entry.get("previous"): link.entry["seq"] for link in sound}
    by_hash = {link.entry["hash"]: link.entry["seq"] for link in sound} | {BEFORE_THE_FIRST: 0}
    return [
        link.entry["seq"] if link.sound else _place(link, by_previous, by_hash) for link in chain
    ]


def _place(link: _Link, by_previous: Mapping[Any, int], by_hash: Mapping[Any, int]) -> int:
    after = next((by_previous[digest] for digest in link.hashes if digest in by_previous), None)
    if after is not None:
        return after - 1
    previous, claimed = link.entry.get("previous"), link.entry.get("seq")
    if (
        isinstance(previous, str)
        and previous in by_hash
        and by_hash[previous] + 1 not in by_hash.values()
    ):
        return (
            by_hash[previous] + 1
        )  # unless a sound entry stands there: then it is `previous` that was changed
    return claimed if type(claimed) is int else 0


def _changed(chain: Sequence[_Link], places: Sequence[int]) -> Iterable[Flaw]:
    for seq, link in zip(places, chain, strict=True):
        if not link.sound:
            why = "it does not fit its hash" if "hash" in link.entry else "it has no hash"
            yield Flaw(seq, "changed", f"entry {seq} was changed: {why}")


def _doubled(chain: Sequence[_Link], places: Sequence[int]) -> Iterable[Flaw]:
    taken: set[int] = set()
    for seq, link in zip(places, chain, strict=True):
        if link.sound and seq in taken:
            yield Flaw(seq, "doubled", f"two different entries call themselves entry {seq}")
        taken |= {seq} if link.sound else set()


def _removed(by_seq: Mapping[int, _Link]) -> Iterable[Flaw]:
    seqs = sorted({0, *by_seq})
    for before, after in pairwise(seqs):
        if after == before + 2:
            yield Flaw(before + 1, "removed", f"entry {before + 1} is missing")
        elif after > before + 2:
            yield Flaw(before + 1, "removed", f"entries {before + 1} to {after - 1} are missing")


def _moved(places: Sequence[int]) -> Iterable[Flaw]:
    highest = 0
    for seq in places:
        if seq < highest:
            yield Flaw(seq, "moved", f"entry {seq} stands after entry {highest}")
        highest = max(highest, seq)


def _cut(by_seq: Mapping[int, _Link]) -> Iterable[Flaw]:
    """Both fit their own hashes, yet the later was chained to another: the earlier was replaced whole."""
    for seq, link in by_seq.items():
        known = (
            by_seq[seq - 1].hashes
            if seq - 1 in by_seq
            else {BEFORE_THE_FIRST}
            if seq == 1
            else None
        )
        if link.sound and known is not None and link.entry.get("previous") not in known:
            words = f"entry {seq - 1} is not the one that entry {seq} was chained to"
            yield Flaw(
                max(seq - 1, 1),
                "replaced",
                words if seq > 1 else "entry 1 was chained to one before it",
            )
