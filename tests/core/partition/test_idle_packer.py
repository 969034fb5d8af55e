"""Rows at rest are packed in memory, and nobody but the memory can tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.memory import IDLE_AFTER, PACKED_PER_BATCH, SAMPLE, IdlePacker, pack, unpack
from streams.processing import StateEntry, StateStore

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
REST_OVER = NOW + timedelta(seconds=IDLE_AFTER)


class Named(StateEntry):
    name: str


def body(name: str) -> bytes:
    return b'{"name":"%s"}' % name.encode()


def long(name: str) -> bytes:
    return body(name * 200)


def noted(*names: str) -> tuple[IdlePacker, dict[str, StateStore]]:
    packer, stores = IdlePacker(), {name: StateStore(name, {"row": long(name)}) for name in names}
    for state in stores.values():
        packer.note_write(NOW, state.raw, "row", state.raw["row"])
    return packer, stores


@given(st.binary(max_size=3000).filter(lambda data: data[:1] != b"\x28"))
def test_what_is_packed_is_read_back(data: bytes) -> None:
    assert unpack(pack(data)) == data
    assert len(pack(data)) <= len(data)


def test_a_usual_entry_packs_to_a_quarter() -> None:
    usual = SAMPLE.replace(b"8841", b"7702").replace(b"0123456789abcdef", b"9f86d081884c7d65")
    assert len(pack(usual)) < len(usual) / 4


def test_an_idle_entry_is_packed_and_still_read() -> None:
    packer, stores = noted("a")
    packer.pack_some(REST_OVER)
    assert len(stores["a"].raw["row"]) < len(long("a")) / 4
    assert stores["a"].get("row", Named) == Named(name="a" * 200)


def test_what_has_just_changed_is_left_alone() -> None:
    packer, stores = noted("a")
    packer.pack_some(REST_OVER - timedelta(seconds=1))
    assert stores["a"].raw["row"] == long("a")


@pytest.mark.parametrize(
    "now", [pytest.param(Named(name="b"), id="written"), pytest.param(long("b"), id="kept again")]
)
def test_what_has_changed_since_waits_for_its_own_time(now: object) -> None:
    packer, stores = noted("a")
    stores["a"].raw["row"] = now
    packer.pack_some(REST_OVER)
    assert stores["a"].raw["row"] is now


def test_an_entry_that_is_gone_stays_gone() -> None:
    packer, stores = noted("a")
    del stores["a"].raw["row"]
    packer.pack_some(REST_OVER)
    assert stores["a"].raw == {}


def test_restored_entries_are_packed_some_at_a_time() -> None:
    stores = [StateStore(str(n), {"row": long(str(n))}) for n in range(3 * PACKED_PER_BATCH)]
    packer = IdlePacker()
    packer.restore(state.raw for state in stores)
    packed = []
    for _ in range(3):
        packer.pack_some(NOW)
        packed.append(sum(len(state.raw["row"]) < 100 for state in stores))
    assert packed == [PACKED_PER_BATCH, 2 * PACKED_PER_BATCH, 3 * PACKED_PER_BATCH]


def test_entries_of_cases_take_a_third_of_their_bytes() -> None:
    entries = ("CaseEntry", "PartyEntry", "EventEntry", "PersonEntry")
    rows = Path(__file__).parents[2] / "golden" / "rows"
    written = [json.loads((rows / f"cases.{name}.json").read_text("utf-8")) for name in entries]
    bodies = [json.dumps(one, separators=(",", ":")).encode() for one in written]
    packed = [pack(body) for body in bodies]
    assert sum(map(len, packed)) < sum(map(len, bodies)) / 3
    assert [unpack(one) for one in packed] == bodies
