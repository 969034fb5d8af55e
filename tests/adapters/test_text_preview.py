"""What would become of a text: the ledger's answer against the gate's own, number by number, after
a day with opt-ins, STOPs, crashes and repeats; and each part of the answer."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.consent import ConsentState, ConsentStatus
from schemas.decision import Verdict
from schemas.person import NumberFact, Person, PersonRequest
from schemas.send_request import Kind, SendRequest
from schemas.sender import Sender, SenderStatus
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    CONSENT_STATUS,
    DECISIONS,
    NUMBER_FACTS,
    PEOPLE,
    SENDER_STATUS,
    SENDERS,
    SETTINGS,
)
from services.cli.app import run
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.projection import Partition, Record
from services.ledger.tables import BY_TOPIC
from services.operations.submission import Known
from services.operations.text_preview import TextPreview, preview_text
from streams.gate import gate
from streams.partition.decoding import partition_of
from streams.processing import InputRecord, StateStore
from tests.adapters.ledger_filler import LedgerFiller, fill_ledger
from tests.adapters.ledger_messages import make_request
from tests.simulation.scenario import PEOPLE as NUMBERS
from tests.simulation.scenario import SENDERS as ALL_SENDERS
from tests.simulation.scenario import TENANTS, Scenario
from tests.simulation.world import World

NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)
"""A Tuesday, 12:00 in New York."""
ANA, LUIS = "+12125550142", "+12125550143"
OFFICE = {"tenant": "harbor", "name": "Harbor Law", "sender": "72975"}


# --- against the gate


def fill(folder: Path, world: World) -> Ledger:
    """Every record of the world, with the settings that it had."""
    filler = LedgerFiller(folder / FILE)
    for sender in ALL_SENDERS.values():
        filler.add(SENDERS, sender)
    for tenant in world.settings.tenants.values():
        filler.add(SETTINGS, tenant)
    for (topic, _), entries in world.log.entries.items():
        if topic not in BY_TOPIC:
            continue
        filler.apply(
            *(
                Record(
                    Partition(one.topic, one.partition),
                    one.offset,
                    one.timestamp,
                    one.key,
                    one.value,
                )
                for one in entries
            )
        )
    return filler.ledger


def ask_gate(world: World, request: SendRequest) -> tuple[str, list[str], str | None]:
    """Its decision on this request, without anything being written."""
    key = request.number_key
    task = world.tasks["gate", partition_of(key.encode(), world.partitions)]
    known = task.stores.get(key)
    state = StateStore(key, dict(known.raw) if known else {})
    record = InputRecord(request, "sms.send-requests", 0, 10**9, world.ms)
    step = gate(state, record, world.now, world.settings)
    (decision,) = [
        value
        for topic, value in step.publish
        if topic is DECISIONS and value.message_id == request.message_id
    ]
    return str(decision.verdict), [one.rule for one in decision.findings], decision.sender


@pytest.mark.parametrize(("seed", "crash"), [(600, 0.0), (601, 0.0), (610, 0.03), (611, 0.03)])
def test_it_says_what_the_gate_would_say(seed: int, crash: float, tmp_path: Path) -> None:
    scenario = Scenario(seed, crash)
    scenario.play(texts=120)
    world = scenario.world
    ledger = fill(tmp_path, world)
    seen = Counter[str]()
    differ = []
    for tenant in TENANTS:
        for n, number in enumerate((*NUMBERS, "+14155559999", "+1212555", "+442079460958")):
            for kind in (Kind.DIRECT, Kind.MARKETING, Kind.TEST):
                request = SendRequest(
                    message_id=f"new-{n}-{kind}",
                    tenant=tenant,
                    to=number,
                    body="Hello",
                    kind=kind,
                    requested_at=world.now,
                    written_by="dana" if n % 2 else None,
                )
                found = preview_text(ledger, request, world.now)
                rules = [one.rule for one in found.findings]
                mine = (str(found.verdict), rules, found.sender)
                seen[str(found.verdict)] += 1
                if mine != (theirs := ask_gate(world, request)):
                    differ.append((number, kind, mine, theirs))
    ledger.close()
    assert differ == []
    assert len(seen) >= 3, seen


# --- each part of the answer


def status(state: ConsentState = ConsentState.OPTED_IN, number: str = ANA) -> ConsentStatus:
    return ConsentStatus(
        tenant="harbor",
        number=number,
        state=state,
        consent_epoch=1,
        since=NOON,
        source="form",
        log_seq=3,
    )


def office(folder: Path, *more: Any, **changed: Any) -> Ledger:
    fill_ledger(
        folder,
        (SETTINGS, TenantSettings.model_validate(OFFICE | changed)),
        (SENDERS, Sender(sender="72975", kind="short_code", owner="harbor")),
        (CONSENT_STATUS, status()),
        *more,
    )
    return Ledger.open(folder / FILE)


def wanted(**changed: Any) -> SendRequest:
    said = {
        "message_id": "new",
        "tenant": "harbor",
        "to": ANA,
        "body": "Hello",
        "kind": "direct",
        "requested_at": NOON,
    }
    return SendRequest.model_validate(said | changed)


def look(ledger: Ledger, now: datetime = NOON, **changed: Any) -> TextPreview:
    found = preview_text(ledger, wanted(**changed), now)
    ledger.close()
    return found


def test_a_text_that_may_go_with_its_segments_and_price(tmp_path: Path) -> None:
    prices = [{"since": "2026-01-01", "currency": "USD", "micros": 8_000}]
    found = look(office(tmp_path, prices=prices), body="x" * 200)
    assert (found.verdict, found.departs_at, found.known) == (Verdict.SEND, NOON, Known.NEW)
    assert (found.segments, found.micros, found.currency) == (2, 16_000, "USD")
    assert {one.what for one in found.rests_on} == {
        "settings",
        "consent",
        "number_facts",
        "texts",
        "sender",
    }


def test_at_night_it_says_when_it_goes(tmp_path: Path) -> None:
    night = NOON.replace(hour=4)  # 23:00 the day before
    found = look(office(tmp_path), night, requested_at=night)
    assert (found.verdict, found.departs_at) == (Verdict.HOLD, NOON.replace(hour=13))


def test_one_that_can_be_withdrawn_goes_after_that(tmp_path: Path) -> None:
    found = look(office(tmp_path), undo_seconds=10)
    assert (found.verdict, found.departs_at) == (Verdict.HOLD, NOON + timedelta(seconds=10))


def test_what_waits_for_somebody_has_no_time(tmp_path: Path) -> None:
    found = look(office(tmp_path, send_immediately=False))
    assert [one.rule for one in found.findings] == ["awaiting_approval"]
    assert found.departs_at is None


def test_a_recipient_who_was_never_asked_would_be(tmp_path: Path) -> None:
    found = look(office(tmp_path), to=LUIS)
    assert (found.verdict, found.asks_for_opt_in) == (Verdict.HOLD, True)


def test_what_is_known_of_the_number_counts(tmp_path: Path) -> None:
    fact = NumberFact(tenant="harbor", number=ANA, landline=True, at=NOON)
    found = look(office(tmp_path, (NUMBER_FACTS, fact)))
    assert [one.rule for one in found.findings] == ["not_sms_enabled"]


def test_the_queue_before_it(tmp_path: Path) -> None:
    """Only what is of its priority or a higher one."""
    queued = [
        {"lane": "reply", "messages": 1, "segments": 5},
        {"lane": "transactional", "messages": 1, "segments": 15},
        {"lane": "marketing", "messages": 1, "segments": 500},
    ]
    known = {"sender": "72975", "state": "running", "pace": 2, "queued": queued, "at": NOON}
    busy = SenderStatus.model_validate(known | {"pace": 2.0})
    assert look(office(tmp_path / "a", (SENDER_STATUS, busy))).queue_seconds == 10.0
    paused = SenderStatus.model_validate(known | {"pace": 2.0, "state": "paused"})
    assert look(office(tmp_path / "b", (SENDER_STATUS, paused))).queue_seconds is None


def test_in_test_mode_nothing_goes(tmp_path: Path) -> None:
    found = look(office(tmp_path), test_mode=True)
    assert (found.verdict, found.departs_at) == (Verdict.CANCEL, None)
    assert found.findings[0].rule == "test_mode"


def test_an_id_that_was_used_is_said(tmp_path: Path) -> None:
    used = make_request("new", NOON, tenant="harbor", to=ANA, body="Another", kind="direct")
    assert look(office(tmp_path, used)).known is Known.ANOTHER


def test_a_tenant_without_settings(tmp_path: Path) -> None:
    found = look(office(tmp_path), tenant="nobody")
    assert [one.rule for one in found.findings if one.verdict is Verdict.REJECT] == [
        "unknown_tenant"
    ]


PERSON = {"tenant": "harbor", "person_id": "p1", "at": NOON, "time_zone": "America/Los_Angeles"}


@pytest.mark.parametrize(
    ("numbers", "rules"),
    [
        pytest.param([{"number": ANA, "sms_enabled": True}], [], id="a mobile"),
        pytest.param([{"number": ANA, "sms_enabled": False}], ["not_sms_enabled"], id="off"),
        pytest.param([], ["no_number"], id="none"),
    ],
)
def test_for_a_person(numbers: list[Any], rules: list[str], tmp_path: Path) -> None:
    person = Person.model_validate(PERSON | {"numbers": numbers})
    ledger = office(tmp_path, (PEOPLE, person))
    said = {
        "message_id": "new",
        "tenant": "harbor",
        "person_id": "p1",
        "body": "Hello",
        "kind": "direct",
        "requested_at": NOON,
    }
    found = preview_text(ledger, PersonRequest.model_validate(said), NOON)
    early = preview_text(ledger, PersonRequest.model_validate(said), NOON.replace(hour=14))
    ledger.close()
    assert [one.rule for one in found.findings] == rules
    assert found.to == (None if rules else ANA)
    if not rules:
        assert [one.rule for one in early.findings] == ["quiet_hours"], "6:00 where they are"


# --- the command


def test_the_command_says_it_and_sends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office(tmp_path, send_immediately=False).close()
    words = ["send", "-t", "harbor", "--to", ANA, "--body", "Hello", "--preview"]
    where = ["--state", str(tmp_path)]
    assert run([*words, *where]) == 0
    said = capsys.readouterr().out
    assert "awaiting_approval" in said
    assert "Nothing was sent" in said
    assert ANA not in said
    assert run([*words, *where, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["known"], found["segments"]) == ("hold", "new", 1)
    assert ANA not in json.dumps(found)
