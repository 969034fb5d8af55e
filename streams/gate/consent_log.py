"""A number's consent log: what became of each claim, as a chain of hashes that anybody can verify
offline.

Each entry holds its own hash and the hash of the one before.  So whoever has the entries can tell
that one was changed, removed or moved.

An entry's hash is the SHA-256 of its canonical JSON without the field `hash`: keys sorted by UTF-16
code units, no blanks, UTF-8 (RFC 8785; its rules for fractions do not matter, entries hold none).
The chain has no key and is no signature: a whole end of it, cut off or rewritten, is noticed only
by somebody who knows the last hash from elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentChange
from schemas.topics import CONSENT_LOG
from streams.gate.consent_claims import Claim
from streams.gate.consent_state import ClaimResult
from streams.gate.state import NumberState, StepBuilder

BEFORE_FIRST: Final = ""
"""What the first entry has for the hash of the one before."""

Entry = Mapping[str, Any]
"""As it is on the topic, parsed; fields that this version does not know are part of it."""


def log_claim(step: StepBuilder, claim: Claim, result: ClaimResult) -> None:
    """Log a claim, whether it changed anything or not, and keep its result."""
    number = result.number
    change = ConsentChange(
        tenant=step.tenant_id,
        number=step.phone,
        sender=claim.sender,
        event_id=claim.event_id,
        action=claim.action,
        source=claim.source,
        was=step.loaded.state,
        now=number.state,
        applied=result.applied,
        flagged=claim.flagged and result.applied,
        reason=result.reason,
        consent_epoch=number.epoch,
        claimed_at=claim.claimed_at,
        at=step.now,
        evidence=claim.evidence,
        read_by=claim.read_by or None,
    )
    append(step, number, change)


def append(step: StepBuilder, number: NumberState, change: ConsentChange) -> None:
    """Publish the next entry; the number remembers it as the end of its log."""
    step.number, entry = append_entry(number, change)
    step.publish(CONSENT_LOG, entry)


def append_entry(number: NumberState, change: ConsentChange) -> tuple[NumberState, ConsentChange]:
    seq = number.log_seq + 1
    update = {"seq": seq, "previous": number.log_hash, "hash": None}
    unhashed = change.model_copy(update=update)
    digest = entry_hash(unhashed.model_dump(mode="json", exclude_none=True))
    after = number.model_copy(update={"log_seq": seq, "log_hash": digest})
    return after, unhashed.model_copy(update={"hash": digest})


def entry_hash(entry: Entry) -> str:
    """64 hex digits."""
    unhashed = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(canonical_json(unhashed)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Of any JSON value; a lone surrogate, which no honest entry holds, gets bytes of its own."""
    text = json.dumps(_sort_keys(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _sort_keys(value: Any) -> Any:
    match value:
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return {name: _sort_keys(value[name]) for name in names}
        case list() | tuple():
            return [_sort_keys(part) for part in value]
    return value


# --- verifying


class Flaw(NamedTuple):
    seq: int
    what: str
    """Changed, removed, moved, replaced or doubled."""
    words: str


class _Link(NamedTuple):
    """An entry as given."""

    entry: Entry
    is_sound: bool
    """It fits its own hash."""
    hashes: frozenset[str]
    """What the next entry may call it: by the recorded hash, or by the true one."""


def find_flaws(entries: Iterable[Entry]) -> tuple[Flaw, ...]:
    """What is wrong with one number's entries, given in the order of the log; nothing if the chain
    is whole.

    An identical copy of an entry is no flaw."""
    chain = _drop_copies(entries)
    seqs = _find_seqs(chain)
    by_seq: dict[int, _Link] = {}
    for seq, link in zip(seqs, chain, strict=True):
        if seq not in by_seq or link.is_sound > by_seq[seq].is_sound:
            by_seq[seq] = link
    found = [
        *_find_changed(chain, seqs),
        *_find_doubled(chain, seqs),
        *_find_removed(by_seq),
        *_find_moved(seqs),
        *_find_replaced(by_seq),
    ]
    return tuple(sorted(found))


def _drop_copies(entries: Iterable[Entry]) -> list[_Link]:
    first: dict[bytes, Entry] = {}
    for entry in entries:
        first.setdefault(canonical_json(entry), entry)
    return [_link(entry) for entry in first.values()]


def _link(entry: Entry) -> _Link:
    recorded = entry.get("hash")
    true = entry_hash(entry)
    is_sound = recorded == true and type(entry.get("seq")) is int
    hashes = {true, recorded} if isinstance(recorded, str) else {true}
    return _Link(entry, is_sound, frozenset(hashes))


def _find_seqs(chain: Sequence[_Link]) -> list[int]:
    """The place of each entry.  One that was changed may lie about it: its neighbours know
    better."""
    sound = [link for link in chain if link.is_sound]
    by_previous = {link.entry.get("previous"): link.entry["seq"] for link in sound}
    by_hash = {link.entry["hash"]: link.entry["seq"] for link in sound} | {BEFORE_FIRST: 0}
    return [
        link.entry["seq"] if link.is_sound else _guess_seq(link, by_previous, by_hash)
        for link in chain
    ]


def _guess_seq(link: _Link, by_previous: Mapping[Any, int], by_hash: Mapping[Any, int]) -> int:
    after = next((by_previous[digest] for digest in link.hashes if digest in by_previous), None)
    if after is not None:
        return after - 1
    previous = link.entry.get("previous")
    if isinstance(previous, str) and previous in by_hash:
        seq = by_hash[previous] + 1
        # Unless a sound entry is there: then it is `previous` that was changed.
        if seq not in by_hash.values():
            return seq
    claimed = link.entry.get("seq")
    return claimed if type(claimed) is int else 0


def _find_changed(chain: Sequence[_Link], seqs: Sequence[int]) -> Iterable[Flaw]:
    for seq, link in zip(seqs, chain, strict=True):
        if not link.is_sound:
            why = "it does not fit its hash" if "hash" in link.entry else "it has no hash"
            yield Flaw(seq, "changed", f"entry {seq} was changed: {why}")


def _find_doubled(chain: Sequence[_Link], seqs: Sequence[int]) -> Iterable[Flaw]:
    seen: set[int] = set()
    for seq, link in zip(seqs, chain, strict=True):
        if not link.is_sound:
            continue
        if seq in seen:
            yield Flaw(seq, "doubled", f"two different entries call themselves entry {seq}")
        seen.add(seq)


def _find_removed(by_seq: Mapping[int, _Link]) -> Iterable[Flaw]:
    for before, after in pairwise(sorted({0, *by_seq})):
        if after == before + 2:
            yield Flaw(before + 1, "removed", f"entry {before + 1} is missing")
        elif after > before + 2:
            yield Flaw(before + 1, "removed", f"entries {before + 1} to {after - 1} are missing")


def _find_moved(seqs: Sequence[int]) -> Iterable[Flaw]:
    highest = 0
    for seq in seqs:
        if seq < highest:
            yield Flaw(seq, "moved", f"entry {seq} stands after entry {highest}")
        highest = max(highest, seq)


def _find_replaced(by_seq: Mapping[int, _Link]) -> Iterable[Flaw]:
    """Both fit their own hashes, yet the later was chained to another: the earlier was replaced
    whole."""
    for seq, link in by_seq.items():
        if seq - 1 in by_seq:
            known = by_seq[seq - 1].hashes
        elif seq == 1:
            known = frozenset({BEFORE_FIRST})
        else:
            continue
        if link.is_sound and link.entry.get("previous") not in known:
            words = f"entry {seq - 1} is not the one that entry {seq} was chained to"
            if seq <= 1:
                words = "entry 1 was chained to one before it"
            yield Flaw(max(seq - 1, 1), "replaced", words)
