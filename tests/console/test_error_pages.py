"""What went wrong, what to do, and the way on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.console.viewer import Role
from services.ledger.ledger import FILE
from tests.adapters.ledger_filler import fill_ledger
from tests.console.harness import Harness, console_on

INBOX = 'href="/t/acme/inbox"'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Harness]:
    fill_ledger(
        tmp_path,
        *((SETTINGS, TenantSettings(tenant=one, name=one, sender="1")) for one in ("acme", "bolt")),
    )
    with console_on(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/t/acme/cases/unheard-of", 404),
        ("/t/acme/no-such-page", 404),
        ("/nothing", 404),
        ("/t/bolt/inbox", 404),
        ("/t/acme/operations", 403),
        ("/t/acme/messages?as=exe", 404),
    ],
)
def test_staff_find_their_way_on(house: Harness, path: str, status: int) -> None:
    answer = house.signed_in(Role.STAFF, tenant="acme").get(path)
    assert (answer.status_code, INBOX in answer.text) == (status, True)
    assert "bolt" not in answer.text


def test_the_list_that_it_was_of_is_a_click_away(house: Harness) -> None:
    page = house.signed_in(Role.STAFF, tenant="acme").get("/t/acme/cases/unheard-of").text
    assert page.rindex('href="/t/acme/cases"') > page.index("There is no such page")


def test_strangers_get_no_navigation(house: Harness) -> None:
    answer = house.anonymous().get("/nothing")
    assert (answer.status_code, "/t/" in answer.text) == (404, False)
    framed = house.signed_in(Role.STAFF, tenant="acme").get("/forms/acme/none")
    assert (framed.status_code, INBOX in framed.text) == (404, False)


def test_without_a_ledger_there_is_a_page_too(house: Harness) -> None:
    client = house.signed_in(Role.STAFF, tenant="acme")
    for file in house.state.glob(f"{FILE}*"):
        file.unlink()
    answer = client.get("/t/acme/inbox")
    assert (answer.status_code, "The ledger cannot be read" in answer.text) == (503, True)


def test_a_part_is_a_notice(house: Harness) -> None:
    client = house.signed_in(Role.STAFF, tenant="acme")
    answer = client.get("/t/acme/cases/unheard-of", headers={"HX-Request": "true"})
    assert (answer.status_code, "<html" in answer.text) == (404, False)
