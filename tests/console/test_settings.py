"""Settings, keys and endpoints: looked at before they hold, and secrets shown once."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from schemas.tenant_settings import TenantSettings
from services.console.api.keys import ApiKeys
from services.console.viewer import Role
from services.ledger.ledger import FILE
from services.operations import tenants
from tests.adapters.case_ledger import MARIA, NOW, Office
from tests.console.harness import Harness, console_on

PATH = "/t/harbor/settings"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    office = Office(tmp_path / FILE)
    office.settle(branches={"north": {}})
    office.meet("maria", "Maria Rivera", MARIA)
    office.case(branch="north")
    office.ledger.close()

    async def read_published(_bootstrap: str) -> tenants.Published:
        """Nothing was applied before, as far as templates go."""
        return tenants.Published({})

    monkeypatch.setattr("services.operations.tenants.read_published", read_published)
    with console_on(tmp_path, NOW) as found:
        yield found


def read_box(page: str) -> str:
    found = re.search(r'<textarea name="written"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def post(client: TestClient, written: str, **more: str) -> Any:
    return client.post(PATH, data={"written": written, "form_key": "k", **more})


def test_what_stands_in_the_box_is_what_holds(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN)
    written = read_box(client.get(PATH).text)
    answer = post(client, written)
    assert answer.status_code == 200
    assert "in force already" in answer.text


def test_a_change_is_shown_with_the_texts_that_it_stops(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN)
    written = read_box(client.get(PATH).text)
    changed = written.replace("Hearing {{ event.date }}.", "Hearing, {{ event.location }}.")
    assert changed != written
    shown = post(client, changed)
    assert house.kafka.published == []
    assert "could not be sent any more" in shown.text
    version = re.search(r'name="version" value="([^"]+)"', shown.text)
    assert version is not None
    post(client, changed, version=version[1])
    settings = [one for _, one in house.kafka.published if isinstance(one, TenantSettings)]
    assert [one.templates["hearing"].texts["en"] for one in settings] == [
        "Hearing, {{ event.location }}."
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("tenants:\n  - tenant: acme\n    name: Acme\n    sender: '1'\n", "harbor"),
        (
            "tenants:\n  - tenant: harbor\n    name: Harbor\n    sender: 72975\n    zone: x\n",
            "zone",
        ),
        ("nonsense: [", "line"),
        ("", ""),
    ],
)
def test_a_file_that_cannot_be_is_named_and_kept(
    house: Harness, written: str, expected: str
) -> None:
    answer = post(house.signed_in(Role.ADMIN), written)
    assert answer.status_code == 422
    assert expected in html.unescape(answer.text)
    assert read_box(answer.text).strip() == written.strip()
    assert "/tmp/" not in answer.text
    assert house.kafka.published == []


def test_a_key_is_shown_once_and_revoked(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN)
    form = {"label": "crm", "scopes": ["messages:write", "people"], "test": "true"}
    page = client.post(f"{PATH}/keys", data=form).text
    written = re.search(r"sayso_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", page)
    assert written is not None
    found = ApiKeys(house.state).find(written[0])
    assert found is not None
    assert (found.tenant, found.scopes, found.test) == (
        "harbor",
        ("messages:write", "people"),
        True,
    )
    assert written[0] not in client.get(f"{PATH}/keys").text
    client.post(f"{PATH}/keys/revoke", data={"key": found.id})
    assert ApiKeys(house.state).find(written[0]) is None


def test_a_key_of_another_tenant_is_nobodys_business(house: Harness) -> None:
    made = ApiKeys(house.state).add("acme", "theirs", NOW)
    client = house.signed_in(Role.ADMIN, tenant="harbor")
    assert made.key.id not in client.get(f"{PATH}/keys").text
    assert client.post(f"{PATH}/keys/revoke", data={"key": made.key.id}).status_code == 404
    assert ApiKeys(house.state).find(made.written) is not None


def test_an_endpoint_has_its_secret_once(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN)
    form = {
        "url": "https://192.0.2.7/hook",
        "owner": "it@harbor.example",
        "events": ["message.*"],
    }
    page = client.post(f"{PATH}/endpoints", data=form)
    if page.status_code == 422:  # the documentation range is no public address
        assert "--url" in page.text
        page = client.post(f"{PATH}/endpoints", data=form | {"url": "https://8.8.8.8/hook"})
    assert page.status_code == 200
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", html.unescape(page.text))
    assert secret is not None
    again = client.get(f"{PATH}/endpoints").text
    assert "https://8.8.8.8/hook" in again
    assert secret[0] not in html.unescape(again)


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://127.0.0.1/", "https://10.0.0.1/x"])
def test_a_private_or_plain_address_is_refused(house: Harness, url: str) -> None:
    form = {"url": url, "owner": "it@harbor.example", "events": ["message.*"]}
    answer = house.signed_in(Role.ADMIN).post(f"{PATH}/endpoints", data=form)
    assert answer.status_code == 422
    assert url in html.unescape(answer.text)


@pytest.mark.parametrize("path", ["", "/keys", "/endpoints"])
def test_an_admin_of_a_branch_looks_and_changes_nothing(house: Harness, path: str) -> None:
    client = house.signed_in(Role.ADMIN, tenant="harbor", branch="north")
    assert client.get(PATH + path).status_code == 200
    assert client.post(PATH + path, data={"form_key": "k"}).status_code in (403, 422)
    assert house.signed_in(Role.STAFF).get(PATH + path).status_code == 403


def test_senders_are_looked_at_before_they_hold(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN)
    assert client.get(f"{PATH}/senders").status_code == 200
    written = "senders:\n  - sender: '72975'\n    kind: short_code\n    owner: harbor\n"
    form = {"written": written, "form_key": "k"}
    shown = client.post(f"{PATH}/senders", data=form)
    assert house.kafka.published == []
    version = re.search(r'name="version" value="([^"]+)"', shown.text)
    assert version is not None
    client.post(f"{PATH}/senders", data=form | {"version": version[1]})
    [(topic, sender)] = house.kafka.published
    assert (topic, sender.sender) == ("sms.senders", "72975")


def test_senders_are_for_those_who_manage_all_tenants(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN, tenant="harbor")
    assert client.get(f"{PATH}/senders").status_code == 403
    form = {"written": "senders: []", "form_key": "k"}
    assert client.post(f"{PATH}/senders", data=form).status_code == 403
