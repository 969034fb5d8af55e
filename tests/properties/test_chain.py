"""Any tampering with one entry is found and named; repeats are none; a cut end shows against the
head."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.base import Evidence
from schemas.consent import ConsentChange
from schemas.topics import CONSENT_LOG
from streams.gate.consent_log import append_entry, entry_hash, find_flaws
from streams.gate.state import NumberState
from tests.properties.messages import TEXTS, messages

Entries = list[dict[str, Any]]
PLAIN = ConsentChange.model_validate(
    {
        "tenant": "acme",
        "number": "+14155550100",
        "event_id": "e",
        "action": "opt_in",
        "source": "form",
    }
    | {
        "was": "unknown",
        "now": "opted_in",
        "applied": True,
        "reason": "opted in",
        "consent_epoch": 1,
    }
    | dict.fromkeys(["claimed_at", "at"], "2026-11-21T17:00:00Z")
)
CHANGES = st.lists(
    st.builds(
        lambda reason, evidence: PLAIN.model_copy(update={"reason": reason, "evidence": evidence}),
        TEXTS,
        st.builds(Evidence, text=st.none() | TEXTS, offset=st.none() | st.integers(0, 9)),
    ),
    min_size=1,
    max_size=6,
)
VALUES = (
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5) | st.just({}) | st.just([])
)


def _chained(changes: list[ConsentChange]) -> Entries:
    """Through the wire and back, as the ledger holds them."""

    def grown(
        so_far: tuple[NumberState, Entries], change: ConsentChange
    ) -> tuple[NumberState, Entries]:
        row, placed = append_entry(so_far[0], change)
        return row, [*so_far[1], json.loads(CONSENT_LOG.encode(placed))]

    start: tuple[NumberState, Entries] = (NumberState(), [])
    return reduce(grown, changes, start)[1]


chains = CHANGES.map(_chained)


def named(entries: Entries) -> set[int]:
    return {flaw.seq for flaw in find_flaws(entries)}


@given(st.lists(messages(ConsentChange), max_size=3).map(_chained))
@settings(max_examples=20)
def test_what_is_written_is_whole(entries: Entries) -> None:
    assert find_flaws(entries) == ()


@given(chains, st.data())
def test_any_change_of_any_field_names_its_entry(entries: Entries, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from([*entries[at], "something new"]))
    value = data.draw(VALUES)
    assume(json.dumps(entries[at].get(field, "absent")) != json.dumps(value))
    entries[at] = entries[at] | {field: value}
    assert named(entries) == {at + 1}


@given(chains, st.data())
def test_any_change_of_the_evidence_names_its_entry(entries: Entries, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    evidence = entries[at]["evidence"]
    field = data.draw(st.sampled_from([*evidence, "ip"]))
    entries[at] = entries[at] | {"evidence": evidence | {field: f"{evidence.get(field)} or not"}}
    assert named(entries) == {at + 1}


@given(chains, st.data())
def test_a_field_taken_out_names_its_entry(entries: Entries, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    del entries[at][data.draw(st.sampled_from(sorted(entries[at])))]
    assert named(entries) == {at + 1}


@given(chains, st.data())
def test_a_change_with_a_new_hash_is_named_unless_it_is_the_last(
    entries: Entries, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    head = entries[-1]["hash"]
    entries[at] = entries[at] | {"reason": entries[at]["reason"] + "!"}
    entries[at]["hash"] = entry_hash(entries[at])
    last = at == len(entries) - 1
    assert named(entries) == (set() if last else {at + 1})
    assert (entries[-1]["hash"] != head) == last, "and the last one shows against the head"


@given(chains, st.data())
def test_an_entry_taken_out_is_named_unless_it_is_the_last(
    entries: Entries, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    gone = entries.pop(at)
    last = at == len(entries)
    assert named(entries) == (set() if last else {at + 1})
    if last and entries:
        assert entries[-1]["hash"] == gone["previous"] != gone["hash"], (
            "a cut end shows against the head"
        )


@given(chains, st.data())
def test_two_that_changed_places_are_found(entries: Entries, data: st.DataObject) -> None:
    assume(len(entries) > 1)
    first, second = sorted(
        data.draw(st.sets(st.integers(0, len(entries) - 1), min_size=2, max_size=2))
    )
    entries[first], entries[second] = entries[second], entries[first]
    found = find_flaws(entries)
    assert {flaw.what for flaw in found} == {"moved"}
    assert first + 1 in named(entries) <= set(range(first + 1, second + 2))


@given(chains, st.data())
def test_repeats_are_no_flaw_wherever_they_stand_after_the_first(
    entries: Entries, data: st.DataObject
) -> None:
    repeated = list(entries)
    for at in data.draw(st.lists(st.integers(0, len(entries) - 1), max_size=5)):
        place = data.draw(st.integers(repeated.index(entries[at]) + 1, len(repeated)))
        repeated.insert(place, json.loads(json.dumps(entries[at])))
    assert find_flaws(repeated) == ()


JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner)
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["seq", "previous", "hash", "x"]), JSON), max_size=5)
)
def test_whatever_is_in_the_file_gets_an_answer(entries: Entries) -> None:
    assert bool(find_flaws(entries)) == bool(entries), "nothing of it fits its hash"
