"""The consent log as a chain: what the gate writes holds together, and each way to tamper with
it has its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.catalog.examples import examples
from schemas.topics import CONSENT_LOG, CONSENT_STATUS
from streams.gate.consent_log import canonical_json, entry_hash, find_flaws
from streams.processing import UnreadableRecord
from tests.core.gate.cases import MINUTE, NOON, gate_processor, number_state, opt_in, reply
from tests.core.harness import ProcessorHarness

Entries = list[dict[str, Any]]
FAMILY = "acme/+14155550100"


def told() -> ProcessorHarness:
    """A form, a STOP, an opt-in that comes too late to lift it, a START, and something that
    could not be read."""
    processor = gate_processor()
    records = [
        opt_in(),
        reply("Stop"),
        opt_in(),
        reply("START"),
        UnreadableRecord(cause="bad", reason="json", entity_key=FAMILY),
    ]
    for at, record in zip((0, 1, -1, 2, 3), records, strict=True):
        processor.feed(record, at=NOON + at * MINUTE)
    return processor


def on_the_wire(processor: ProcessorHarness) -> Entries:
    return [
        json.loads(CONSENT_LOG.encode(change)) for change in processor.published_on(CONSENT_LOG)
    ]


def test_the_log_is_a_chain_and_the_number_knows_its_end() -> None:
    processor = told()
    entries = on_the_wire(processor)
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["previous"] for entry in entries] == [
        "",
        *(entry["hash"] for entry in entries[:-1]),
    ]
    assert find_flaws(entries) == ()
    row = number_state(processor)
    assert (row.log_seq, row.log_hash) == (5, entries[-1]["hash"])


def test_the_status_names_the_entry_that_it_tells_of() -> None:
    processor = told()
    entries, status = on_the_wire(processor), processor.published_on(CONSENT_STATUS)[-1]
    assert (status.log_seq, status.log_hash) == (5, entries[4]["hash"])


def test_a_repeat_adds_nothing_to_the_chain() -> None:
    processor, said = gate_processor(), opt_in()
    processor.feed(said)
    processor.feed(said)
    assert [change.seq for change in processor.published_on(CONSENT_LOG)] == [1]


def test_a_stranger_can_compute_the_hash() -> None:
    """From the documentation alone: the entry without `hash`, keys sorted, no blanks, UTF-8,
    SHA-256."""
    entry = on_the_wire(told())[1]
    rest = {name: value for name, value in entry.items() if name != "hash"}
    plain = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert entry["hash"] == hashlib.sha256(plain.encode()).hexdigest()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(
            {"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}', id="keys sorted, no blanks"
        ),
        pytest.param({"a": {"z": 1, "y": 2}}, b'{"a":{"y":2,"z":1}}', id="all the way down"),
        pytest.param(
            {"\U0001f600": 1, "\ufb33": 2},
            '{"\U0001f600":1,"\ufb33":2}'.encode(),
            id="RFC 8785 3.2.3",
        ),
        pytest.param(
            'é\u20ac$\x0f\nA\'B"\\\\"/', '"é€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode(), id="3.2.2.2"
        ),
        pytest.param("\x7f\u2028", b'"\x7f\xe2\x80\xa8"', id="what need not be escaped is not"),
        pytest.param(2**53 - 1, b"9007199254740991", id="the largest number"),
    ],
)
def test_canonical_json(value: Any, written: bytes) -> None:
    assert canonical_json(value) == written


def rehashed(entries: Entries, at: int, **changes: Any) -> None:
    entries[at] = entries[at] | changes
    entries[at]["hash"] = entry_hash(entries[at])


def change(at: int, **changes: Any) -> Callable[[Entries], None]:
    return lambda entries: entries[at].update(changes)


TAMPERED = [
    pytest.param(lambda e: None, [], id="nothing"),
    pytest.param(change(1, reason="x"), [(2, "changed")], id="a word"),
    pytest.param(change(1, more="x"), [(2, "changed")], id="a field more"),
    pytest.param(lambda e: e[1].pop("source"), [(2, "changed")], id="a field less"),
    pytest.param(change(1, seq=7), [(2, "changed")], id="its place"),
    pytest.param(change(1, seq="2"), [(2, "changed")], id="its place, as text"),
    pytest.param(change(1, previous="0" * 64), [(2, "changed")], id="what it follows"),
    pytest.param(change(1, hash="0" * 64), [(2, "changed")], id="its hash"),
    pytest.param(change(1, hash=None), [(2, "changed")], id="its hash: none"),
    pytest.param(lambda e: e[1].pop("hash"), [(2, "changed")], id="its hash taken out"),
    pytest.param(change(0, number="+1"), [(1, "changed")], id="the first"),
    pytest.param(change(4, seq=6), [(5, "changed")], id="the last"),
    pytest.param(lambda e: e[4].update(hash="0"), [(5, "changed")], id="the last one's hash"),
    pytest.param(
        lambda e: rehashed(e, 1, reason="x"), [(2, "replaced")], id="changed, with a new hash"
    ),
    pytest.param(
        lambda e: rehashed(e, 0, previous="0"),
        [(1, "replaced"), (1, "replaced")],
        id="a new beginning",
    ),
    pytest.param(lambda e: e.pop(0), [(1, "removed")], id="the first one gone"),
    pytest.param(lambda e: e.pop(2), [(3, "removed")], id="one in the middle gone"),
    pytest.param(lambda e: [e.pop(2), e.pop(2)], [(3, "removed")], id="two gone"),
    pytest.param(lambda e: e.insert(1, e.pop(2)), [(2, "moved")], id="two the other way round"),
    pytest.param(lambda e: e.append(e.pop(0)), [(1, "moved")], id="the first at the end"),
    pytest.param(lambda e: e.append(dict(e[1])), [], id="a repeat at the end"),
    pytest.param(lambda e: e.insert(1, dict(e[1])), [], id="a repeat beside it"),
    pytest.param(
        lambda e: e.append(e[1] | {"reason": "x"}),
        [(2, "changed"), (2, "moved")],
        id="a repeat, changed",
    ),
    pytest.param(lambda e: e.extend(e[:]), [], id="all of it twice"),
    pytest.param(lambda e: e.clear(), [], id="none"),
]


@pytest.mark.parametrize(("tamper", "found"), TAMPERED)
def test_what_is_wrong_is_named(
    tamper: Callable[[Entries], object], found: list[tuple[int, str]]
) -> None:
    entries = on_the_wire(told())
    tamper(entries)
    assert [(flaw.seq, flaw.what) for flaw in find_flaws(entries)] == found


def test_another_entry_under_the_same_place_is_named() -> None:
    entries = on_the_wire(told())
    entries.append(entries[1] | {"reason": "x"})
    entries[-1]["hash"] = entry_hash(entries[-1])
    assert (2, "doubled") in [(flaw.seq, flaw.what) for flaw in find_flaws(entries)]


def test_what_cannot_be_seen_without_the_head() -> None:
    """An end that was cut off or written anew is a chain as well; only somebody who knows the
    head can tell."""
    entries = on_the_wire(told())
    assert find_flaws(entries[:3]) == ()
    rehashed(entries, 4, reason="x")
    assert find_flaws(entries) == ()


def test_the_examples_are_a_chain() -> None:
    entries = [
        one.document for one in examples() if one.topic is CONSENT_LOG and "seq" in one.document
    ]
    assert len(entries) >= 3
    assert find_flaws(sorted(entries, key=lambda entry: entry["seq"])) == ()
