"""A tenant's settings change while texts wait: those it concerns go, or learn why not, without
anybody's doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas import topics as t
from schemas.consent import ConsentEvent
from schemas.person import NumberChange, NumberType, PersonAction, PersonEvent, PersonRequest
from schemas.send_request import SendRequest
from schemas.tenant_settings import TenantSettings
from streams.processing import build_settings
from tests.simulation.scenario import ANY_TIME, PEOPLE, SENDERS, TENANTS, Scenario

SOON = timedelta(minutes=1)
NIGHT = {"quiet_hours": {"before": "20:00", "after": "21:00"}, "marketing": "as_others"}
"""It is morning where people are when it begins."""


def apply(scenario: Scenario, **changes: Any) -> None:
    """To acme only."""
    known = scenario.world.settings.tenants
    acme = TenantSettings.model_validate(known["acme"].model_dump() | changes)
    scenario.world.settings = build_settings({**known, "acme": acme}, SENDERS)


def verdicts(scenario: Scenario) -> dict[str, list[tuple[str, list[str]]]]:
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for one in scenario.world.log.all(t.DECISIONS):
        if one.requested_by != "sayso":
            found.setdefault(one.message_id, []).append(
                (str(one.verdict), [f.rule for f in one.findings])
            )
    return found


def form(scenario: Scenario, tenant: str) -> ConsentEvent:
    return ConsentEvent(
        event_id=f"form-{tenant}",
        tenant=tenant,
        number=PEOPLE[0],
        action="opt_in",
        source="form",
        at=scenario.world.now,
    )


def waits(seed: int, crash: float) -> Scenario:
    """A text of each tenant waits for the evening, with somebody who has opted in."""
    scenario = Scenario(seed, crash)
    for tenant in TENANTS:
        scenario.world.publish(t.CONSENT_EVENTS, form(scenario, tenant))
    evening = {name: TENANTS[name].model_dump() | {"when": NIGHT} for name in TENANTS}
    scenario.world.settings = build_settings(
        {n: TenantSettings.model_validate(e) for n, e in evening.items()}, SENDERS
    )
    scenario.world.settle(until=timedelta(seconds=1))
    for tenant in TENANTS:
        request = SendRequest(
            message_id=f"m-{tenant}",
            tenant=tenant,
            to=PEOPLE[0],
            body="hello",
            kind="transactional",
            requested_at=scenario.world.now,
        )
        scenario.world.publish(t.SEND_REQUESTS, request)
    scenario.world.settle(until=SOON)
    assert verdicts(scenario) == {f"m-{tenant}": [("hold", ["quiet_hours"])] for tenant in TENANTS}
    return scenario


SEEDS = pytest.mark.parametrize(
    ("seed", "crash"), [(1, 0.0), (2, 0.0), (3, 0.05), (4, 0.05), (5, 0.05)]
)


@SEEDS
def test_shorter_quiet_hours_release_held_texts(seed: int, crash: float) -> None:
    scenario = waits(seed, crash)
    apply(scenario, when=ANY_TIME)
    scenario.world.settle(until=SOON)
    assert verdicts(scenario)["m-acme"][1:] == [("send", ["ready"])]
    assert verdicts(scenario)["m-bolt"][1:] == [], "its own settings are what they were"


@SEEDS
def test_a_lost_entitlement_rejects_held_texts_at_once(seed: int, crash: float) -> None:
    scenario = waits(seed, crash)
    apply(scenario, entitled=False)
    scenario.world.settle(until=SOON)
    assert [(verdict, rules[0]) for verdict, rules in verdicts(scenario)["m-acme"][1:]] == [
        ("reject", "not_entitled")
    ]
    assert scenario.world.posts == []


@SEEDS
def test_a_change_while_nobody_had_the_partition_is_seen_too(seed: int, crash: float) -> None:
    scenario = waits(seed, crash)
    world = scenario.world
    apply(scenario, when=ANY_TIME)
    for task in [*world.tasks.values()]:
        world.open(task.processor, task.partition)
    world.settle(until=SOON)
    assert verdicts(scenario)["m-acme"][1:] == [("send", ["ready"])]


@SEEDS
def test_a_newly_allowed_number_type_is_picked_at_once(seed: int, crash: float) -> None:
    scenario = Scenario(seed, crash)
    world = scenario.world
    world.publish(t.CONSENT_EVENTS, form(scenario, "acme"))
    office = NumberChange(number=PEOPLE[0], type=NumberType.WORK, sms_enabled=True)
    world.publish(
        t.PERSON_EVENTS,
        PersonEvent(
            event_id="p1",
            tenant="acme",
            person_id="ann",
            action=PersonAction.UPSERT,
            numbers=(office,),
            at=world.now,
        ),
    )
    world.settle(until=timedelta(seconds=1))
    world.publish(
        t.PERSON_REQUESTS,
        PersonRequest(
            message_id="m-ann",
            tenant="acme",
            person_id="ann",
            number_type=NumberType.WORK,
            body="hello",
            kind="transactional",
            requested_at=world.now,
        ),
    )
    world.settle(until=SOON)
    assert [verdict for verdict, _ in verdicts(scenario)["m-ann"]] == ["hold"]
    apply(scenario, number_types=("work",))
    world.settle(until=SOON)
    assert [verdict for verdict, _ in verdicts(scenario)["m-ann"]] == ["hold", "send"]
