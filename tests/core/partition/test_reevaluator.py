"""What waiting_prefix is judged again when settings change: once, only where it may matter, and
also after a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.partition import reevaluator
from streams.partition.task import PartitionTask
from streams.processing import (
    InputRecord,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    build_settings,
)
from streams.processor import Processor
from tests.core.partition.test_task import DEAD_LETTERS, FIRST, MS, OUT, THEN, Said
from tests.simulation.log import Log

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Held(StateEntry):
    looked: int = 0


def process(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    name = record.value.what
    return StepResult({name: Held()}, timers={name: now + HOUR})


def on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    row = state.get(name, Held)
    assert row is not None
    return StepResult({name: Held(looked=row.looked + 1)})


def task(saved: Any = (), waiting_prefix: str | None = "held/") -> PartitionTask:
    counts = dict.fromkeys([FIRST.name, THEN.name, OUT.name, DEAD_LETTERS.name], 1)
    made = PartitionTask(
        Processor(
            "test",
            process=process,
            on_timer=on_timer,
            priority_topics=(FIRST,),
            topics=(THEN,),
            waiting_prefix=waiting_prefix,
        ),
        0,
        counts,
        limit=100,
    )
    made.restore(saved)
    return made


def settings(**entitled: bool) -> Settings:
    tenants = {
        name: TenantSettings(tenant=name, name=name, sender="72976", entitled=may)
        for name, may in entitled.items()
    }
    return build_settings(tenants, {"72976": SENDER})


SENDER = Sender(sender="72976", kind=SenderKind.SHORT_CODE, shared_by=("acme", "bolt"))
BEFORE, AFTER = settings(acme=False, bolt=True), settings(acme=True, bolt=True)


def run(one: PartitionTask, now: datetime = NOW) -> list[tuple[bytes, bytes | None]]:
    """One batch, committed; what it leaves in the changelog."""
    tx = one.begin(now)
    while one.evaluate(tx, Settings()):
        pass
    saved = one.build_changelog(tx)
    one.mark_committed(tx)
    return saved


def filled(
    stores: int = 2, state: int = 1
) -> tuple[PartitionTask, list[tuple[bytes, bytes | None]]]:
    """Texts that wait, of acme and of bolt, and a row that does not, under BEFORE."""
    log, one = Log(1), task()
    one.follow_settings(BEFORE)
    saved = run(one)
    for tenant in ("acme", "bolt"):
        for n in range(stores):
            names = [f"held/{m}" for m in range(state)] + ["msg/1"]
            records = [
                log.publish(THEN, Said(key=f"{tenant}/{n}", what=name), MS) for name in names
            ]
            one.feed(THEN.name, records)
    while one.buffer:
        saved += run(one)
    return one, saved


def looked(one: PartitionTask) -> dict[str, int]:
    """By family and row, how often it was judged again."""
    return {
        f"{entity_key} {name}": row.looked
        for entity_key, state in one.stores.items()
        for name in state.names()
        if (row := state.get(name, Held)) is not None and row.looked
    }


def test_only_waiting_entries_of_changed_tenants_are_reevaluated() -> None:
    one, _ = filled()
    one.follow_settings(BEFORE)
    assert one.idle_until() > NOW.timestamp(), "no change, nothing to do"
    one.follow_settings(AFTER)
    assert one.idle_until() == 0
    run(one)
    assert looked(one) == {"acme/0 held/0": 1, "acme/1 held/0": 1}
    assert one.idle_until() == (NOW + HOUR).timestamp(), "once; and its wake is where it was"


def test_a_sender_is_a_matter_of_all_that_use_it() -> None:
    one, _ = filled()
    one.follow_settings(
        BEFORE._replace(senders={"72976": SENDER.model_copy(update={"hears": False})})
    )
    run(one)
    assert len(looked(one)) == 4


def test_the_same_settings_published_again_are_no_change() -> None:
    one, _ = filled()
    one.follow_settings(settings(acme=False, bolt=True))
    assert one.idle_until() > NOW.timestamp()


def test_a_long_walk_is_sliced_and_new_records_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reevaluator, "REEVALUATED", 2)
    one, _ = filled(state=3)
    one.follow_settings(AFTER)
    log = Log(1)
    one.feed(FIRST.name, [log.publish(FIRST, Said(key="acme/0", what="stop"), MS)])
    run(one)
    assert (looked(one), "stop" in one.stores["acme/0"].raw) == ({}, True), "consent first"
    for so_far in (2, 4, 6):
        run(one)
        assert len(looked(one)) == so_far
    run(one)
    assert one.idle_until() > NOW.timestamp()


def test_a_change_while_one_is_under_way_forgets_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reevaluator, "REEVALUATED", 1)
    one, _ = filled()
    one.follow_settings(AFTER)
    run(one)
    one.follow_settings(settings(acme=True, bolt=False))
    while one.idle_until() == 0:
        run(one)
    assert set(looked(one)) == {"acme/0 held/0", "acme/1 held/0", "bolt/0 held/0", "bolt/1 held/0"}


def test_a_new_owner_sees_a_change_made_meanwhile() -> None:
    _, saved = filled()
    same, other = task(saved), task(saved)
    same.follow_settings(BEFORE)
    assert same.idle_until() > NOW.timestamp()
    other.follow_settings(AFTER)
    run(other)
    assert len(looked(other)) == 4, "whose settings were others is not known any more: all"


def test_a_crash_in_the_middle_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reevaluator, "REEVALUATED", 1)
    one, saved = filled()
    one.follow_settings(AFTER)
    saved += run(one)
    again = task(saved)
    again.follow_settings(AFTER)
    while again.idle_until() == 0:
        saved += run(again)
    assert len(looked(again)) == 4
    third = task(saved)
    third.follow_settings(AFTER)
    assert third.idle_until() > NOW.timestamp(), "that it is done is durable with its last slice"


def test_a_processor_without_waiting_entries_does_not_walk() -> None:
    one = task(filled()[1], waiting_prefix=None)
    one.follow_settings(AFTER)
    assert one.idle_until() > NOW.timestamp()
