"""Accounts: what people change of their own, what admins do to users, and what stays on record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.cli.app import run
from services.console.access import COOKIE
from services.console.accounts.administration import UserAdmin
from services.console.accounts.attempts import LONGEST, OF_NAME, SignInAttempts
from services.console.accounts.audit import AuditLog
from services.console.accounts.sessions import Sessions
from services.console.accounts.users import Users
from services.console.viewer import ANY, Grant, Role
from tests.console.harness import Harness
from tests.console.two_branches import COURT, TENANT, two_branches

PASSWORD, OTHER = "a sentence is a good one", "another sentence is good too"
USERS = f"/t/{TENANT}/settings/users"
AUDIT = f"/t/{TENANT}/settings/audit"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Harness]:
    with two_branches(tmp_path) as found:
        yield found


def users(house: Harness) -> Users:
    return Users(house.console.store)


def add(house: Harness, name: str, *grants: Grant, password: str | None = None) -> None:
    users(house).add(name, name.title(), grants, house.console.clock(), password=password)


def sign_in(house: Harness, name: str, password: str) -> tuple[TestClient, int]:
    client = house.anonymous()
    form = {"name": name, "password": password}
    return client, keep_session(client, client.post("/sign-in", data=form, follow_redirects=False))


def keep_session(client: TestClient, answer: Any) -> int:
    """The status. Without TLS this client sends no cookie that is for TLS, as browsers do on
    loopback."""
    if (session := answer.cookies.get(COOKIE)) is not None:
        client.cookies.clear()
        client.cookies.set(COOKIE, session)
    return int(answer.status_code)


def roles(house: Harness, name: str) -> set[tuple[str, str, str]]:
    user = users(house).find(name)
    assert user is not None
    return {(one.tenant, one.branch, one.role.value) for one in user.grants}


def actions(house: Harness, tenant: str = TENANT) -> list[tuple[str, str, str, str]]:
    found = AuditLog(house.console.store).read(tenant, limit=100)
    return [(one.by, one.action, one.subject, one.detail) for one in reversed(found)]


def test_the_password_is_changed_with_the_old_one(house: Harness) -> None:
    add(house, "dana", Grant(TENANT, ANY, Role.STAFF), password=PASSWORD)
    here, _ = sign_in(house, "dana", PASSWORD)
    elsewhere, _ = sign_in(house, "dana", PASSWORD)
    for old, new, again in (
        ("wrong", OTHER, OTHER),
        (PASSWORD, OTHER, "not the same at all"),
        (PASSWORD, "short", "short"),
    ):
        form = {"old": old, "new": new, "again": again}
        assert here.post("/account/password", data=form).status_code == 422
    form = {"old": PASSWORD, "new": OTHER, "again": OTHER}
    assert here.post("/account/password", data=form).status_code == 200
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account", follow_redirects=False).status_code == 303
    assert sign_in(house, "dana", PASSWORD)[1] == 401
    assert sign_in(house, "dana", OTHER)[1] == 303


def test_sign_out_everywhere_else(house: Harness) -> None:
    add(house, "dana", Grant(TENANT, ANY, Role.STAFF), password=PASSWORD)
    here, _ = sign_in(house, "dana", PASSWORD)
    elsewhere, _ = sign_in(house, "dana", PASSWORD)
    page = here.get("/account").text
    assert page.count("<tr data-row>") == 2
    assert page.count("This one") == 1
    here.post("/account/sessions/end")
    assert elsewhere.get("/account", follow_redirects=False).status_code == 303
    assert here.get("/account").text.count("<tr data-row>") == 1


def test_ones_name_on_pages(house: Harness) -> None:
    client = house.signed_in(Role.STAFF, tenant=TENANT)
    assert client.post("/account/name", data={"display_name": " "}).status_code == 422
    assert client.post("/account/name", data={"display_name": "Dana  Scully"}).status_code == 200
    assert "Dana Scully" in client.get("/account").text


def test_an_admin_adds_a_user_who_signs_in_by_link(house: Harness) -> None:
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    form = {"name": "Eve", "display_name": "Eve Lin", "role": "staff", "branch": COURT}
    assert admin.post(USERS, data=form).status_code == 200
    assert roles(house, "eve") == {(TENANT, COURT, "staff")}
    page = admin.post(f"{USERS}/eve/acts", data={"act": "link"}).text
    found = re.search(r"token=([\w-]+)", page)
    assert found is not None
    eve = house.anonymous()
    form = {"token": found[1]}
    answer = eve.post("/sign-in/link", data=form, follow_redirects=False)
    assert keep_session(eve, answer) == 303
    assert eve.get(f"/t/{TENANT}/messages", follow_redirects=False).status_code == 200
    assert found[1] not in admin.get(f"{USERS}/eve").text


def test_an_admin_gives_roles_of_their_tenant_only(house: Harness) -> None:
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    for branch in ("", "nowhere", "intake' --"):
        form = {"name": "eve", "role": "admin", "branch": branch}
        assert admin.post(USERS, data=form).status_code == 422
    admin.post(USERS, data={"name": "eve", "role": "admin", "branch": ANY})
    assert roles(house, "eve") == {(TENANT, ANY, "admin")}
    viewer = Sessions(house.console.store, users(house)).find(
        admin.cookies[COOKIE], house.console.clock()
    )
    assert viewer is not None
    rules = UserAdmin(house.console.store, "ada", viewer).rules
    assert rules(Grant(TENANT, COURT, Role.ADMIN))
    assert not rules(Grant("acme", ANY, Role.STAFF))
    assert not rules(Grant(ANY, ANY, Role.STAFF))


def test_an_admin_of_a_branch_gives_roles_of_it_only(house: Harness) -> None:
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, branch=COURT, name="ada")
    for branch, status in (("intake", 422), (ANY, 422), (COURT, 200)):
        form = {"name": "eve", "role": "staff", "branch": branch}
        assert admin.post(USERS, data=form).status_code == status
    add(house, "ian", Grant(TENANT, "intake", Role.STAFF))
    assert "Ian" not in admin.get(USERS).text
    assert admin.get(f"{USERS}/ian").status_code == 404
    assert admin.get(AUDIT).status_code == 403


def test_others_users_are_neither_seen_nor_taken_over(house: Harness) -> None:
    """A link or a disabling would reach into another tenant."""
    add(house, "theirs", Grant("acme", ANY, Role.ADMIN))
    add(house, "both", Grant("acme", ANY, Role.ADMIN), Grant(TENANT, ANY, Role.STAFF))
    add(house, "chief", Grant(ANY, ANY, Role.ADMIN))
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    page = admin.get(USERS).text
    assert "Theirs" not in page
    assert "acme" not in page
    assert admin.get(f"{USERS}/theirs").status_code == 404
    for name in ("both", "chief"):
        assert "acme" not in admin.get(f"{USERS}/{name}").text
        for act in ("link", "disable", "enable"):
            answer = admin.post(f"{USERS}/{name}/acts", data={"act": act})
            assert answer.status_code == 422
            assert "token=" not in answer.text
    taken = {"act": "take", "role": "admin", "branch": ANY}
    admin.post(f"{USERS}/chief/roles", data=taken)
    assert roles(house, "chief") == {(ANY, ANY, "admin")}
    admin.post(f"{USERS}/both/roles", data=taken | {"role": "staff"})
    assert roles(house, "both") == {("acme", ANY, "admin")}


def test_who_has_an_account_elsewhere_keeps_it(house: Harness) -> None:
    add(house, "theirs", Grant("acme", ANY, Role.ADMIN))
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    form = {"name": "theirs", "display_name": "Mallory", "role": "staff", "branch": ANY}
    assert admin.post(USERS, data=form).status_code == 200
    assert roles(house, "theirs") == {("acme", ANY, "admin"), (TENANT, ANY, "staff")}
    user = users(house).find("theirs")
    assert user is not None
    assert user.display_name == "Theirs"


def test_an_admin_cannot_lock_themselves_out(house: Harness) -> None:
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    taken = {"act": "take", "role": "admin", "branch": ANY}
    assert admin.post(f"{USERS}/ada/roles", data=taken).status_code == 422
    assert admin.post(f"{USERS}/ada/acts", data={"act": "disable"}).status_code == 422
    assert admin.get(USERS).status_code == 200


def test_disabling_ends_sessions_and_links(house: Harness) -> None:
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    eve = house.signed_in(Role.STAFF, tenant=TENANT, name="eve")
    token = Sessions(house.console.store, users(house)).make_link("eve", house.console.clock())
    admin.post(f"{USERS}/eve/acts", data={"act": "disable"})
    assert eve.get("/account", follow_redirects=False).status_code == 303
    assert house.anonymous().post("/sign-in/link", data={"token": token}).status_code == 401
    admin.post(f"{USERS}/eve/acts", data={"act": "enable"})
    assert roles(house, "eve") == {(TENANT, ANY, "staff")}


def test_what_is_done_is_on_record_by_name(house: Harness) -> None:
    admin = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    admin.post(USERS, data={"name": "eve", "role": "staff", "branch": COURT})
    admin.post(f"{USERS}/eve/roles", data={"act": "give", "role": "approver", "branch": ANY})
    admin.post(f"{USERS}/eve/acts", data={"act": "link"})
    users(house).set_password("eve", PASSWORD)
    sign_in(house, "eve", "a wrong one")
    sign_in(house, "eve", PASSWORD)
    sign_in(house, PASSWORD, "typed into the wrong field")
    admin.post(f"{USERS}/eve/acts", data={"act": "disable"})
    assert actions(house) == [
        ("ada", "added", "eve", ""),
        ("ada", "roles", "eve", "+ staff at court"),
        ("ada", "roles", "eve", "+ approver"),
        ("ada", "link", "eve", ""),
        ("", "sign_in_failed", "eve", ""),
        ("eve", "signed_in", "eve", "password"),
        ("ada", "disabled", "eve", ""),
    ]
    everything = house.console.store.rows("SELECT * FROM audit")
    assert PASSWORD not in str([tuple(row) for row in everything])
    page = house.signed_in(Role.AUDITOR, tenant=TENANT, name="olga").get(AUDIT)
    assert "Sign-in failed" in page.text
    assert house.signed_in(Role.STAFF, tenant=TENANT, name="sam").get(AUDIT).status_code == 403


def test_what_was_done_for_another_tenant_is_not_shown(house: Harness) -> None:
    store, now = house.console.store, house.console.clock()
    admin = UserAdmin(store, "chief")
    admin.add("both", "", [Grant("acme", ANY, Role.ADMIN), Grant(TENANT, ANY, Role.STAFF)], now)
    admin.add("theirs", "", [Grant("acme", ANY, Role.ADMIN)], now)
    assert actions(house) == [("chief", "added", "both", ""), ("chief", "roles", "both", "+ staff")]


def test_the_command_line_does_the_same(
    house: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "op")
    state = ("--state", str(house.state))
    for words in (
        ("add", "eve", "--role", f"staff@{TENANT}"),
        ("roles", "eve", "--role", f"admin@{TENANT}/{COURT}"),
        ("link", "eve"),
        ("disable", "eve"),
        ("enable", "eve"),
    ):
        assert run(["users", *words, *state]) == 0
    assert run(["users", "enable", "nobody", *state]) == 2
    done = [(by, action) for by, action, _, _ in actions(house)]
    assert done == [
        ("op", "added"),
        ("op", "roles"),
        ("op", "roles"),
        ("op", "link"),
        ("op", "disabled"),
        ("op", "enabled"),
    ]
    assert "sign-in/link?token=" in capsys.readouterr().out


# Rate limits.


@pytest.mark.parametrize("name", ["dana", "nobody"])
def test_guessing_gets_slower_for_names_that_are_and_are_not(house: Harness, name: str) -> None:
    add(house, "dana", Grant(TENANT, ANY, Role.STAFF), password=PASSWORD)
    tries = [sign_in(house, name, f"guess {n}")[1] for n in range(OF_NAME + 2)]
    assert tries == [401] * OF_NAME + [429] * 2
    answer = house.anonymous().post("/sign-in", data={"name": name, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_waits_grow_up_to_a_limit_and_are_forgotten(house: Harness) -> None:
    attempts, now = SignInAttempts(house.console.store), house.console.clock()
    waits = []
    for _ in range(40):
        assert attempts.begin("dana", "192.0.2.1", now) == 0
        wait = attempts.begin("dana", "192.0.2.2", now)
        waits.append(wait)
        now += timedelta(seconds=wait)
    assert waits[OF_NAME:] == sorted(waits[OF_NAME:])
    assert waits[-1] == int(LONGEST.total_seconds())
    assert attempts.begin("sam", "192.0.2.3", now) == 0


def test_one_address_cannot_try_many_names(house: Harness) -> None:
    attempts, now = SignInAttempts(house.console.store), house.console.clock()
    tries = [attempts.begin(f"user{n}", "192.0.2.1", now) for n in range(40)]
    assert tries[0] == 0
    assert tries[-1] > 0
    assert attempts.begin("dana", "192.0.2.9", now) == 0


def test_success_clears_the_name(house: Harness) -> None:
    add(house, "dana", Grant(TENANT, ANY, Role.STAFF), password=PASSWORD)
    for _ in range(3):
        for _ in range(OF_NAME - 1):
            sign_in(house, "dana", "wrong")
        assert sign_in(house, "dana", PASSWORD)[1] == 303
