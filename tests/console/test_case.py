"""A case: what it promises, who is not ready, what a moved event does, and what is sent."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from schemas.case_event import (
    CaseClosed,
    CaseSettings,
    EventCanceled,
    EventSaved,
    Launched,
    PartyAdded,
    PartyRemoved,
    TaskChanged,
    TaskScheduled,
)
from services.console.viewer import Role
from services.ledger.ledger import FILE
from services.operations import cases
from services.operations.case_parts import EventDraft, build_event
from services.operations.event_change import Effect, compare_event
from tests.adapters.case_ledger import DAY, LUIS, MARIA, NOW, Office
from tests.console.harness import Harness, console_on

CASE = "/t/harbor/cases/8841"
WHEN = "%Y-%m-%dT%H:%M"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / FILE)
    office.settle(branches={"north": {}, "south": {}})
    office.meet("maria", "Maria Rivera", MARIA)
    office.meet("luis", "Luis Rivera", LUIS)
    office.consent(MARIA, "opted_in")
    office.case(branch="north")
    yield office
    office.ledger.close()


@pytest.fixture
def house(office: Office, tmp_path: Path) -> Iterator[Harness]:
    with console_on(tmp_path, NOW) as found:
        yield found


def act(client: TestClient, action: str, **form: Any) -> Any:
    return client.post(f"{CASE}/acts", data={"action": action, "form_key": action, **form})


def published(house: Harness, kind: type[Any]) -> Any:
    [(topic, event)] = house.kafka.published
    assert topic == "sms.case-events"
    assert isinstance(event, kind)
    assert event.by == "dana"
    return event


def test_the_first_screen_says_who_will_hear_and_who_will_not(house: Harness) -> None:
    page = house.signed_in(Role.STAFF).get(CASE).text
    assert "In re Rivera" in page
    assert re.search(r'class="promise">Next: Maria hears of .* Luis will not', html.unescape(page))


def test_who_is_not_ready_has_a_reason_that_keys_can_reach(house: Harness) -> None:
    page = html.unescape(house.signed_in(Role.STAFF).get(CASE).text)
    assert 'class="tip" tabindex="0"' in page
    assert "They have not been asked yet" in page


@pytest.mark.parametrize(
    ("action", "form", "kind"),
    [
        ("close", {}, CaseClosed),
        ("launch", {}, Launched),
        ("reminders", {"person_id": "luis", "value": "off"}, CaseSettings),
        ("notify", {"value": "team@harbor.example"}, CaseSettings),
        ("remove-party", {"person_id": "luis"}, PartyRemoved),
        ("text", {"person_id": "maria", "body": "Bring your ID."}, TaskScheduled),
    ],
)
def test_what_staff_do_is_published_by_name(
    house: Harness, action: str, form: dict[str, str], kind: type
) -> None:
    assert act(house.signed_in(Role.STAFF), action, **form).status_code == 200
    published(house, kind)


def test_a_mail_address_that_is_none_is_refused_as_at_the_command_line(house: Harness) -> None:
    assert act(house.signed_in(Role.STAFF), "notify", value="not an address").status_code == 422
    assert house.kafka.published == []


def test_a_party_is_added_and_an_unknown_one_is_named(house: Harness, office: Office) -> None:
    client = house.signed_in(Role.STAFF)
    unchosen = act(client, "add-party", who="luis", role="witness")
    assert unchosen.status_code == 422
    assert 'value="luis" required checked' in unchosen.text
    assert 'value="witness"' in unchosen.text
    wrong = act(client, "add-party", person_id="nobody", role="client")
    assert wrong.status_code == 422
    assert "Nobody is on record as 'nobody'" in html.unescape(wrong.text)
    office.meet("ben", "Ben Soto", "+14155550109")
    client.post(
        f"{CASE}/acts",
        data={"action": "add-party", "form_key": "2", "person_id": "ben", "role": "party"},
    )
    assert published(house, PartyAdded).person_id == "ben"


def test_words_that_cannot_go_stay_in_their_box(house: Harness) -> None:
    answer = act(house.signed_in(Role.STAFF), "text", person_id="maria", body="x" * 2000)
    assert answer.status_code == 422
    assert f"{'x' * 2000}</textarea>" in answer.text
    assert house.kafka.published == []


def form_of_event(**changed: str) -> dict[str, str]:
    starts = NOW + 3 * DAY
    known = {
        "title": "hearing",
        "event_type": "hearing",
        "day": f"{starts:%Y-%m-%d}",
        "clock": "10:00",
        "zone": "America/New_York",
        "form_key": "e1",
    }
    return known | changed


def test_a_moved_event_shows_its_texts_before_it_is_saved(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    shown = client.post(f"{CASE}/events/hearing-1", data=form_of_event())
    assert shown.status_code == 200
    assert house.kafka.published == []
    assert "changes" in shown.text
    assert "<del>" in shown.text
    version = re.search(r'name="version" value="([^"]+)"', shown.text)
    assert version is not None
    client.post(f"{CASE}/events/hearing-1", data=form_of_event(version=version[1]))
    assert published(house, EventSaved).starts_at.endswith("T10:00")


def test_a_case_that_changed_since_is_looked_at_again(house: Harness, office: Office) -> None:
    client = house.signed_in(Role.STAFF)
    shown = client.post(f"{CASE}/events/hearing-1", data=form_of_event())
    version = re.search(r'name="version" value="([^"]+)"', shown.text)
    assert version is not None
    office.case(branch="north", title="In re Rivera and Soto", version=8)
    answer = client.post(f"{CASE}/events/hearing-1", data=form_of_event(version=version[1]))
    assert answer.status_code == 422
    assert "has changed since" in answer.text
    assert house.kafka.published == []


@pytest.mark.parametrize(
    "changed", [{"day": "2026-02-30"}, {"zone": "EST"}, {"title": " "}, {"remind": "soon"}]
)
def test_an_event_that_cannot_be_keeps_what_was_typed(
    house: Harness, changed: dict[str, str]
) -> None:
    answer = house.signed_in(Role.STAFF).post(
        f"{CASE}/events/hearing-1", data=form_of_event(place="Room 4", **changed)
    )
    assert answer.status_code == 422
    assert 'value="Room 4"' in answer.text


def test_a_dragged_event_shows_its_texts_before_it_is_saved(house: Harness) -> None:
    """As if the day had been typed; another time only where one was chosen."""
    client = house.signed_in(Role.STAFF)
    shown = client.get(f"{CASE}/calendar", params={"view": "week"})
    assert 'data-drag="hearing-1"' in shown.text
    later = (NOW + 9 * DAY).date()
    by_day = client.get(f"{CASE}/events/hearing-1", params={"day": str(later)}).text
    by_time = client.get(
        f"{CASE}/events/hearing-1", params={"day": str(later), "clock": "14:30"}
    ).text
    for page in (by_day, by_time):
        assert "What saving it would do" in page
        assert f'value="{later}"' in page
        assert 'name="version"' in page
    assert f'value="{NOW:%H:%M}"' in by_day
    assert 'value="14:30"' in by_time
    assert not house.kafka.published
    assert "data-drag" not in house.signed_in(Role.AUDITOR, name="ida").get(f"{CASE}/calendar").text


def test_a_text_of_the_case_is_undone_at_once(house: Harness) -> None:
    """By its writer, before anything of it is on record."""
    client = house.signed_in(Role.STAFF)
    shown = act(client, "text", person_id="maria", body="Bring your ID.")
    [sealed] = re.findall(r'name="sent" value="([^"]+)"', shown.text)
    stranger = house.signed_in(Role.STAFF, name="sam")
    assert stranger.post("/t/harbor/undo", data={"sent": sealed}).status_code == 404
    house.kafka.published.clear()
    answer = client.post("/t/harbor/undo", data={"sent": sealed}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    cancel = published_to(house, "sms.person-cancels")
    assert (cancel.person_id, cancel.by) == ("maria", "dana")
    assert cancel.request_id in answer.text


def published_to(house: Harness, wanted: str) -> Any:
    [(topic, found)] = house.kafka.published
    assert topic == wanted
    return found


def test_an_event_is_canceled(house: Harness) -> None:
    data = {"form_key": "c1"}
    house.signed_in(Role.STAFF).post(f"{CASE}/events/hearing-1/cancel", data=data)
    assert published(house, EventCanceled).event_id == "hearing-1"


def effects(office: Office, **changed: Any) -> dict[str, Effect]:
    about = cases.find_case(office.ledger, "8841", "harbor")
    starts = changed.pop("starts", NOW + 4 * DAY)
    draft = EventDraft("hearing", f"{starts:{WHEN}}", "hearing", "America/New_York")
    change = build_event(about, "hearing-1", draft._replace(**changed), "dana", NOW)
    found = compare_event(about, change, NOW)
    return {text.person_id: text.effect for text in found.texts}


def test_effects_of_a_later_day(office: Office) -> None:
    assert effects(office) == {"maria": Effect.CHANGED, "luis": Effect.CHANGED}


def test_effects_of_the_same_time(office: Office) -> None:
    event = cases.find_case(office.ledger, "8841", "harbor").case.events[0]  # type: ignore[union-attr]
    about = cases.find_case(office.ledger, "8841", "harbor")
    draft = EventDraft("hearing", event.starts_at, "hearing", "America/New_York")
    found = compare_event(about, build_event(about, "hearing-1", draft, "dana", NOW), NOW)
    assert {text.effect for text in found.texts} == {Effect.SAME}


def test_effects_where_nobody_is_reminded_any_more(office: Office) -> None:
    assert effects(office, event_type="lunch") == {
        "maria": Effect.TAKEN_BACK,
        "luis": Effect.TAKEN_BACK,
    }


def test_a_preview_sends_only_what_was_seen(house: Harness, office: Office) -> None:
    task = {
        "task_id": "docs",
        "body": "Bring your ID.",
        "roles": ["client"],
        "when": {"now": True},
        "kind": "transactional",
    }
    office.case(branch="north", tasks=[task], version=8)
    client = house.signed_in(Role.STAFF)
    page = client.get(f"{CASE}/tasks/docs")
    assert page.status_code == 200
    version = re.search(r'name="version" value="([^"]+)"', page.text)
    assert version is not None
    office.case(branch="north", title="Another", tasks=[task], version=9)
    data = {"version": version[1], "form_key": "s1"}
    assert client.post(f"{CASE}/tasks/docs/send", data=data).status_code == 409
    assert house.kafka.published == []
    again = re.search(r'name="version" value="([^"]+)"', client.get(f"{CASE}/tasks/docs").text)
    assert again is not None
    client.post(f"{CASE}/tasks/docs/send", data={"version": again[1], "form_key": "s2"})
    assert published(house, TaskChanged).task_id == "docs"


def test_a_new_task_goes_to_a_role(house: Harness) -> None:
    form = {"form_key": "t", "body": "Bring your ID.", "roles": ["client"], "at": "2 hours before"}
    client = house.signed_in(Role.STAFF)
    client.post(f"{CASE}/tasks/new", data=form | {"event_id": "hearing-1"})
    event = published(house, TaskScheduled)
    assert (event.audience.roles, event.when.event_id) == (("client",), "hearing-1")
    nobody = client.post(f"{CASE}/tasks/new", data={"form_key": "u", "body": "Bring your ID."})
    assert nobody.status_code == 422
    assert "Bring your ID.</textarea>" in nobody.text


def test_a_new_case_opens_once(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    form = {"form_key": "n", "case_id": "9000", "title": "In re Soto", "branch": "north"}
    for _ in range(2):
        client.post("/t/harbor/cases/new/form", data=form, follow_redirects=False)
    [(_, event)] = house.kafka.published
    assert (event.case_id, event.branch, event.by) == ("9000", "north", "dana")
    twice = client.post(
        "/t/harbor/cases/new/form", data=form | {"form_key": "m", "case_id": "8841"}
    )
    assert twice.status_code == 422


def test_a_case_of_another_branch_is_no_page(house: Harness) -> None:
    south = house.signed_in(Role.STAFF, tenant="harbor", branch="south")
    assert south.get(CASE).status_code == 404
    assert act(south, "close").status_code == 404
    assert "In re Rivera" not in south.get("/t/harbor/cases").text
    assert house.kafka.published == []


def test_an_auditor_reads_and_changes_nothing(house: Harness) -> None:
    client = house.signed_in(Role.AUDITOR)
    assert "Write to a party" not in client.get(CASE).text
    assert act(client, "close").status_code == 403
    assert client.get(f"{CASE}/events/new").status_code == 403


def test_the_list_finds_a_case_by_a_party(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    assert "In re Rivera" in client.get("/t/harbor/cases?q=luis").text
    assert "In re Rivera" not in client.get("/t/harbor/cases?q=soto").text
    assert f"{(NOW + timedelta(days=2)):%Y}" in client.get("/t/harbor/cases").text
