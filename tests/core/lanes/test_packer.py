"""Rows at rest are packed in memory, and nobody but the memory can tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.lanes.packer import AT_ONCE, REST, Packer
from streams.packing import SAMPLE, pack, unpack
from streams.step import Row, Rows

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
REST_OVER = NOW + timedelta(seconds=REST)


class Named(Row):
    name: str


def body(name: str) -> bytes:
    return b'{"name":"%s"}' % name.encode()


def long(name: str) -> bytes:
    return body(name * 200)


def noted(*names: str) -> tuple[Packer, dict[str, Rows]]:
    packer, families = Packer(), {name: Rows(name, {"row": long(name)}) for name in names}
    for rows in families.values():
        packer.note(NOW, rows, "row", rows.raw["row"])
    return packer, families


@given(st.binary(max_size=3000).filter(lambda data: data[:1] != b"\x28"))
def test_what_is_packed_is_read_back(data: bytes) -> None:
    assert unpack(pack(data)) == data
    assert len(pack(data)) <= len(data)


def test_a_usual_row_packs_to_a_quarter() -> None:
    usual = SAMPLE.replace(b"8841", b"7702").replace(b"0123456789abcdef", b"9f86d081884c7d65")
    assert len(pack(usual)) < len(usual) / 4


def test_a_row_at_rest_is_packed_and_still_read() -> None:
    packer, families = noted("a")
    packer.pack(REST_OVER)
    assert len(families["a"].raw["row"]) < len(long("a")) / 4
    assert families["a"].get("row", Named) == Named(name="a" * 200)


def test_what_has_just_changed_is_left_alone() -> None:
    packer, families = noted("a")
    packer.pack(REST_OVER - timedelta(seconds=1))
    assert families["a"].raw["row"] == long("a")


@pytest.mark.parametrize(
    "now", [pytest.param(Named(name="b"), id="written"), pytest.param(long("b"), id="kept again")]
)
def test_what_has_changed_since_waits_for_its_own_time(now: object) -> None:
    packer, families = noted("a")
    families["a"].raw["row"] = now
    packer.pack(REST_OVER)
    assert families["a"].raw["row"] is now


def test_a_row_that_is_gone_stays_gone() -> None:
    packer, families = noted("a")
    del families["a"].raw["row"]
    packer.pack(REST_OVER)
    assert families["a"].raw == {}


def test_restored_rows_are_packed_some_at_a_time() -> None:
    families = [Rows(str(n), {"row": long(str(n))}) for n in range(3 * AT_ONCE)]
    packer = Packer()
    packer.restore(families)
    packed = []
    for _ in range(3):
        packer.pack(NOW)
        packed.append(sum(len(rows.raw["row"]) < 100 for rows in families))
    assert packed == [AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE]
