"""Every route and method, as nobody, as the wrong tenant, at the wrong branch and as each role.

What is expected follows from the permission that the route declares. New routes are found here by
themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount
from starlette.testclient import TestClient

from services.console.access import Public, Requirement
from services.console.api.app import PREFIX, list_routes
from services.console.api.calls import find_need
from services.console.api.keys import HIGHEST_RATE
from services.console.api.scopes import Scope
from services.console.app import find_requirement
from services.console.pages import ROUTERS
from services.console.viewer import ANY, ROLES, Permission, Role
from tests.console.harness import URL, Harness
from tests.console.two_branches import (
    COURT,
    INTAKE,
    NUMBER,
    PERSON,
    SECRETS,
    TENANT,
    address,
    two_branches,
)

PAGES = [
    (method, route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
CALLS = [(method, route) for route in list_routes() for method in sorted(route.methods)]
SAFE = ("GET", "HEAD")
OF_ONE = ("{case_id}", "{person_id}", "{token}", "{message_id}")
"""Parts of an address that name something which belongs to a branch."""


def name(value: Any) -> str:
    return value if isinstance(value, str) else str(value.path)


def of(routes: Any, *, wanted: type[Any]) -> Any:
    found = [
        (method, route)
        for method, route in routes
        if isinstance(find_requirement(route), wanted) and not route.path.endswith("/stream")
    ]
    return pytest.mark.parametrize(("method", "route"), found, ids=name)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with two_branches(tmp_path_factory.mktemp("routes")) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_published(house: Harness) -> None:
    house.kafka.published.clear()


def form_of(route: APIRoute, branch: str) -> dict[str, str]:
    """Every field of the route's form, about what belongs to this branch."""
    known = {
        "form_key": secrets.token_hex(8),
        "number": NUMBER[branch],
        "person": PERSON[branch],
        "person_id": PERSON[branch],
        "message_id": f"m-{branch}",
        "row": f"m-{branch}",
        "branch": branch,
        "answer": "go-on",
        "action": "note",
        "words": "words",
        "body": "words",
        "of": "1",
        "version": "v",
        "act": "off",
    }
    fields: list[str] = []
    for param in route.dependant.body_params:
        shape = param.field_info.annotation
        inner = getattr(shape, "model_fields", None)
        fields += [param.alias] if inner is None else list(inner)
    return {field: known.get(field, "") for field in fields if field != "file"}


def ask(
    client: TestClient, method: str, route: APIRoute, house: Harness, branch: str, **more: Any
) -> Any:
    more = {"tenant": TENANT, "headers": {}} | more
    url = address(house, route.path, branch, more["tenant"])
    data = form_of(route, branch) if method not in SAFE else None
    return client.request(method, url, data=data, headers=more["headers"], follow_redirects=False)


def leads_to_sign_in(answer: Any) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def test_there_is_no_other_route(house: Harness) -> None:
    """Pages come from ROUTERS and the API from its own list: what this file walks is all."""
    others = [route for route in house.app.routes if not hasattr(route, "original_router")]
    assert [one.path for one in others if isinstance(one, Mount)] == ["/static"]
    assert len(others) == 1
    assert len(house.app.routes) == len(ROUTERS) + 1
    assert len(PAGES) > 50
    assert len(CALLS) >= 3


@of(PAGES, wanted=Requirement)
def test_nobody_is_sent_to_sign_in(house: Harness, method: str, route: APIRoute) -> None:
    answer = ask(house.anonymous(), method, route, house, COURT)
    assert leads_to_sign_in(answer), answer.status_code
    assert house.kafka.published == []


@of(PAGES, wanted=Requirement)
def test_an_admin_is_one_of_their_own_tenant(house: Harness, method: str, route: APIRoute) -> None:
    """Also not where the tenant's name is odd, or another's address is written in another case."""
    if "{tenant}" not in route.path:
        pytest.skip("it belongs to no tenant")
    client = house.signed_in(Role.ADMIN, tenant=TENANT, name="ada")
    for tenant in ("acme", "HARBOR", "harbor%00", "*", "harbor%20", "%E2%80%8Bharbor"):
        answer = ask(client, method, route, house, COURT, tenant=tenant)
        assert answer.status_code == 404, (tenant, answer.status_code)
    assert house.kafka.published == []


@of(PAGES, wanted=Requirement)
def test_each_role_may_do_what_it_is_for(house: Harness, method: str, route: APIRoute) -> None:
    requirement = find_requirement(route)
    assert isinstance(requirement, Requirement)
    wanted = requirement.permission
    shared = route.path.endswith("/settings/senders")  # what tenants share is for admins of all
    for role in Role:
        client = house.signed_in(role, tenant=ANY if shared else TENANT, name=f"a-{role}")
        if route.path == "/sign-out" and method not in SAFE:
            continue
        answer = ask(client, method, route, house, COURT)
        if wanted is None or wanted in ROLES[role]:
            assert answer.status_code not in (401, 403, 405), (role, answer.text)
            assert answer.status_code < 500, (role, answer.text)
            assert not leads_to_sign_in(answer)
        else:
            assert answer.status_code == 403, (role, answer.status_code)
    if wanted is not None:
        nobody = house.signed_in(tenant=TENANT, name="without")
        expected = 404 if "{tenant}" in route.path else 403
        assert ask(nobody, method, route, house, COURT).status_code == expected


@of(PAGES, wanted=Requirement)
def test_another_branch_is_out_of_reach(house: Harness, method: str, route: APIRoute) -> None:
    """Everything that a role of one branch may open, asked about the other: it is not there, and
    nothing is done about it."""
    if "{tenant}" not in route.path:
        pytest.skip("it belongs to no tenant")
    client = house.signed_in(*Role, tenant=TENANT, branch=COURT, name="cora")
    answer = ask(client, method, route, house, INTAKE)
    if any(part in route.path for part in OF_ONE):
        assert answer.status_code in (403, 404), answer.status_code
    assert house.kafka.published == [], answer.status_code
    typed = set(form_of(route, INTAKE).values()) if method not in SAFE else set()
    shown = [secret for secret in SECRETS if secret in answer.text and secret not in typed]
    assert shown == []


@of(PAGES, wanted=Requirement)
def test_lists_show_the_own_branch_only(house: Harness, method: str, route: APIRoute) -> None:
    if method not in SAFE or "{tenant}" not in route.path:
        pytest.skip("it shows nothing")
    client = house.signed_in(*Role, tenant=TENANT, branch=COURT, name="cora")
    url = address(house, route.path, COURT)
    queries = ("", "?tab=maybe-stop", "?part=rows", "?box=outbox", "?as=csv", "?branch=intake",
               "?q=stone", "?search=words", "?case=8842", "?person=marta")  # fmt: skip
    for query in queries:
        answer = client.get(url + query, follow_redirects=False)
        shown = [secret for secret in SECRETS if secret in answer.text and secret not in query]
        assert shown == [], (query, answer.status_code)


FORGED = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": URL},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": URL + ".evil.example"},
    {},
)


@pytest.mark.parametrize(
    ("method", "route"), [one for one in PAGES if one[0] not in SAFE], ids=name
)
def test_what_changes_something_refuses_forged_origins(
    house: Harness, method: str, route: APIRoute
) -> None:
    client = house.signed_in(*Role, tenant=TENANT, name="ada")
    del client.headers["sec-fetch-site"]
    for headers in FORGED:
        answer = ask(client, method, route, house, COURT, headers=headers)
        assert answer.status_code == 403, headers
    assert house.kafka.published == []


@pytest.mark.parametrize(("method", "route"), PAGES, ids=name)
def test_only_get_is_without_consequence(method: str, route: APIRoute) -> None:
    assert method in ("GET", "POST")


@of(PAGES, wanted=Public)
def test_public_routes_are_few(method: str, route: APIRoute) -> None:
    begins = ("/sign-in", "/live", "/ready", "/forms/", "/opt-out/")
    assert route.path.startswith(begins), f"is {route.path} meant to be public?"


def test_there_is_no_permission_that_nobody_has() -> None:
    assert set().union(*ROLES.values()) == set(Permission)


# The API.


def call(house: Harness, method: str, route: APIRoute, key: str, tenant: str = TENANT) -> Any:
    client = house.anonymous()
    del client.headers["sec-fetch-site"]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {} if method not in SAFE else None
    url = address(house, route.path, COURT, tenant)
    return client.request(method, url, json=body, headers=headers, follow_redirects=False)


@pytest.mark.parametrize(("method", "route"), CALLS, ids=name)
def test_calls_need_a_key_with_the_scope(house: Harness, method: str, route: APIRoute) -> None:
    assert route.path.startswith(PREFIX)
    need = find_need(route)
    assert need is not None
    now = house.console.clock()

    def make(scopes: Any, tenant: str = TENANT, **more: Any) -> str:
        made = house.api.keys.add(tenant, "t", now, scopes=scopes, rate=HIGHEST_RATE, **more)
        return made.written

    cookie = house.signed_in(*Role, tenant=TENANT, name="ada")
    assert cookie.request(method, address(house, route.path, COURT)).status_code == 401
    assert call(house, method, route, "").status_code == 401
    assert call(house, method, route, "sayso_000000000000_" + "a" * 43).status_code == 401
    others = [one for one in Scope if one != need.scope]
    assert call(house, method, route, make(others)).status_code == 403
    assert call(house, method, route, make(Scope)).status_code not in (401, 403, 405)
    if need.changes:
        assert call(house, method, route, make(Scope, test=True)).status_code == 403
    if "{tenant}" in route.path:
        assert call(house, method, route, make(Scope, tenant="acme")).status_code == 403
    house.kafka.published.clear()
    foreign = call(house, method, route, make(Scope, tenant="acme"))
    assert house.kafka.published == []
    assert [secret for secret in (*SECRETS, "Ana", NUMBER[COURT]) if secret in foreign.text] == []
