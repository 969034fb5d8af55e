"""Who may come in, and how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter

from services.console import app
from services.console.access import COOKIE
from services.console.accounts.sessions import Sessions
from services.console.accounts.users import Users, UsersError
from services.console.viewer import Role
from tests.console.harness import URL, Harness, console_on

PASSWORD = "a sentence is a good one"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Harness]:
    with console_on(tmp_path) as found:
        yield found


def test_nobody_is_sent_to_sign_in(house: Harness) -> None:
    answer = house.anonymous().get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


def test_a_password_opens_the_page_that_was_asked_for(house: Harness) -> None:
    Users(house.console.store).add("dana", "Dana", [], house.console.clock(), password=PASSWORD)
    client = house.anonymous()
    form = {"name": "Dana", "password": PASSWORD, "next": "/t/harbor/people"}
    answer = client.post("/sign-in", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/t/harbor/people")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in (COOKIE, "HttpOnly", "Secure", "Path=/", "SameSite=lax"))
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_leads_to_no_other_site(house: Harness, target: str) -> None:
    Users(house.console.store).add("dana", "Dana", [], house.console.clock(), password=PASSWORD)
    form = {"name": "dana", "password": PASSWORD, "next": target}
    answer = house.anonymous().post("/sign-in", data=form, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_a_wrong_password_says_the_same_as_a_wrong_name(house: Harness) -> None:
    Users(house.console.store).add("dana", "Dana", [], house.console.clock(), password=PASSWORD)
    pages = [
        house.anonymous().post("/sign-in", data={"name": name, "password": "wrong"})
        for name in ("dana", "nobody")
    ]
    assert [page.status_code for page in pages] == [401, 401]
    assert pages[0].text == pages[1].text


def test_a_link_works_once(house: Harness) -> None:
    users = Users(house.console.store)
    users.add("dana", "Dana", [], house.console.clock())
    token = Sessions(house.console.store, users).make_link("dana", house.console.clock())
    assert house.anonymous().get(f"/sign-in/link?token={token}").status_code == 200
    for wanted in (303, 401):
        answer = house.anonymous().post(
            "/sign-in/link", data={"token": token}, follow_redirects=False
        )
        assert answer.status_code == wanted


def test_a_session_that_was_ended_is_worth_nothing(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    kept = client.cookies[COOKIE]
    client.post("/sign-out")
    client.cookies.set(COOKIE, kept)
    assert client.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ],
)
def test_a_forged_post_is_refused(house: Harness, headers: dict[str, str]) -> None:
    client = house.signed_in(Role.STAFF)
    del client.headers["sec-fetch-site"]
    assert client.post("/sign-out", headers=headers).status_code == 403
    assert client.post("/sign-out", headers={"origin": URL}).status_code == 200


def test_another_host_name_is_refused(house: Harness) -> None:
    answer = house.anonymous().get("/sign-in", headers={"host": "evil.example"})
    assert answer.status_code == 421


def test_every_answer_has_the_policy(house: Harness) -> None:
    for path in ("/sign-in", "/static/console.css", "/nothing"):
        policy = house.anonymous().get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy


def test_short_passwords_and_odd_names_are_refused(house: Harness) -> None:
    users = Users(house.console.store)
    for name, password in (("dana", "short"), ("Dana Scully", PASSWORD), ("", PASSWORD)):
        with pytest.raises(UsersError):
            users.add(name, "", [], house.console.clock(), password=password)


def test_a_route_has_to_say_who_may_use_it(house: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = APIRouter()
    forgotten.get("/forgotten")(lambda: "hello")
    monkeypatch.setattr(app, "ROUTERS", (forgotten,))
    with pytest.raises(ValueError, match="/forgotten does not say"):
        app.build_app(house.console, house.api)
