"""Every route and method: as nobody, with another tenant's key, with each scope, with a test key;
and with forged and oversized input."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.console.api import problems
from services.console.api.app import list_routes
from services.console.api.bodies import MAX_BATCH_BODY, MAX_DEPTH
from services.console.api.calls import find_need
from services.console.api.problem_pages import FILE
from services.console.api.scopes import Scope
from tests.console.api.serving import House, house_on
from tests.console.api.world import TENANT, list_records

ROUTES = list_routes()
PAGES = FILE.read_text()
KNOWN = {
    "tenant": "acme",
    "message_id": "m-1",
    "number": "%2B12125550123",
    "person_id": "ana",
    "case_id": "c-1",
    "task_id": "t-1",
    "event_id": "e-1",
    "endpoint_id": "ep_none",
    "delivery_id": "1",
}


def fill(route: APIRoute, **values: str) -> str:
    return route.path_format.format_map(KNOWN | values)


def method_of(route: APIRoute) -> str:
    (method,) = route.methods
    return method


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_on(tmp_path, *list_records()) as found:
        yield found


async def test_nobody_may_do_anything(house: House) -> None:
    forged = ["", "sayso_", "sayso_" + "0" * 12 + "_" + "A" * 43, "x" * 9000]
    for route in ROUTES:
        for key in forged:
            answer = await house.stranger(key).ask(method_of(route), fill(route), b"{")
            assert (answer.status_code, answer.json()["type"]) == (
                401,
                "/v1/problems/unauthorized",
            ), route.name
            assert "RateLimit" not in answer.headers
    assert not house.published


async def test_a_key_may_do_what_its_scope_says(house: House) -> None:
    for scope in Scope:
        caller = house.caller(scopes=[scope])
        for route in ROUTES:
            need = find_need(route)
            assert need is not None
            answer = await caller.ask(method_of(route), fill(route), b"[]")
            refused = answer.status_code == 403
            assert refused is (need.scope is not scope), (route.name, scope)
            if refused:
                assert answer.json()["type"] == "/v1/problems/insufficient-scope"


async def test_a_test_key_changes_nothing(house: House) -> None:
    caller = house.caller(test=True)
    for route in ROUTES:
        need = find_need(route)
        assert need is not None
        answer = await caller.ask(method_of(route), fill(route), b"[]")
        assert (answer.status_code == 403) is need.changes, route.name
    text = {"message_id": "t-1", "to": "+12125550123", "body": "Hi"}
    assert (await caller.post("/v1/send-requests", text)).status_code == 202
    ((_, request),) = house.published
    assert request.test_mode is True


async def test_what_is_another_tenants_does_not_exist(house: House) -> None:
    """Each object that its own tenant reads is not found by another."""
    owner, other = house.caller(TENANT), house.caller("bolt")
    seen = set()
    for one in (TENANT, "bolt"):
        answer = await house.caller("acme").post(f"/v1/tenants/{one}/consents", {})
        assert answer.status_code == 403
    for values in await list_objects(owner):
        for route in ROUTES:
            names = set(re.findall(r"\{(\w+)\}", route.path_format))
            if names != set(values) or names == {"tenant"}:
                continue
            path, method = fill(route, **values), method_of(route)
            mine = await owner.ask(method, path, {} if method == "POST" else None)
            if method == "GET" and mine.status_code == 200:
                seen.add(route.name)
            told = {"text": "x", "body": "x", "title": "x"}
            for body in ({}, {"body": "x"}, {"text": "x"}, told):
                if method == "PUT":
                    break
                answer = await other.ask(method, path, body if method == "POST" else None)
                assert answer.status_code in (404, 422), (route.name, values)
    assert {"get_message", "get_case", "get_thread", "get_person", "get_consent"} <= seen
    assert not [one for _, one in house.published if one.tenant == "bolt"]
    for path in ("/v1/messages", "/v1/people", "/v1/cases?closed=true", "/v1/threads"):
        assert (await other.get(path)).json() == {"items": [], "next": None}


async def list_objects(owner: Any) -> list[dict[str, str]]:
    found = []
    for path, name in (
        ("/v1/messages", "message_id"),
        ("/v1/people", "person_id"),
        ("/v1/cases", "case_id"),
        ("/v1/threads", "number"),
    ):
        items = (await owner.get(path)).json()["items"]
        assert items, path
        found += [{name: one[name].replace("+", "%2B")} for one in items]
    return found


async def test_lists_have_pages(house: House) -> None:
    caller = house.caller(TENANT)
    longest = 0
    [thread] = (await caller.get("/v1/threads")).json()["items"]
    entries = f"/v1/threads/{thread['number'].replace('+', '%2B')}/entries"
    for path in ("/v1/messages", "/v1/people", "/v1/threads", entries):
        whole = (await caller.get(path)).json()["items"]
        longest = max(longest, len(whole))
        found, at = [], f"{path}?limit=1"
        while at:
            page = (await caller.get(at)).json()
            assert len(page["items"]) <= 1
            found += page["items"]
            at = page["next"]
        assert found == whole
    assert longest > 1
    first = (await caller.get(f"{entries}?limit=1")).json()["next"]
    answer = await caller.get(first.replace(entries, "/v1/messages"))
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "cursor")


async def test_each_answer_says_how_many_calls_are_left(house: House) -> None:
    caller = house.caller(rate=1)
    left = []
    for _ in range(12):
        answer = await caller.get("/v1/senders")
        left.append((answer.status_code, answer.headers["RateLimit"].split(";")[1]))
        assert answer.headers["RateLimit-Policy"] == '"calls";q=10;w=10'
    assert left[0] == (200, "r=9")
    assert left[-1] == (429, "r=0")
    assert answer.json()["type"] == "/v1/problems/rate-limited"
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await house.caller().get("/v1/senders")).status_code == 200


async def test_what_the_framework_refuses_is_a_problem(house: House) -> None:
    caller = house.caller()
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/messages/", 404),
        ("PATCH", "/v1/cases", 405),
        ("DELETE", "/v1/people/ana", 405),
        ("OPTIONS", "/v1/messages", 405),
        ("GET", "/v1/problems/nothing", 404),
    ):
        answer = await caller.ask(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status), path
        assert answer.headers["Content-Type"] == problems.MEDIA_TYPE
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await caller.ask("PATCH", "/v1/cases")).headers["Allow"] == "GET, POST"


async def test_each_type_of_problem_has_a_page(house: House) -> None:
    for kind in problems.TYPES:
        answer = await house.stranger().get(kind.uri)
        assert answer.status_code == 200
        assert kind.advice in answer.text
        assert f"## {kind.name}\n\n{kind.status}: {kind.title}. {kind.advice}\n" in PAGES


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
FIELDS = sorted(
    {
        name
        for route in ROUTES
        if route.body_field is not None
        for name in getattr(route.body_field.field_info.annotation, "model_fields", ())
    }
)
FORGED = (
    st.binary(max_size=400)
    | JSON.map(lambda one: json.dumps(one).encode())
    | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6).map(
        lambda one: json.dumps(one).encode()
    )
)


async def test_forged_input_is_answered_with_4xx(house: House) -> None:
    """Never with a fault of ours, and no log has what was sent."""
    caller = house.caller(TENANT)
    calls: list[tuple[APIRoute, bytes, str]] = []

    @given(st.lists(st.tuples(FORGED, st.text(min_size=1, max_size=40)), min_size=6, max_size=6))
    @settings(
        max_examples=4,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def collect(some: list[tuple[bytes, str]]) -> None:
        calls.extend((ROUTES[len(calls) % len(ROUTES)], *one) for one in some)

    collect()
    with capture_logs() as logs:
        for route, body, words in calls:
            part = "".join(f"%{byte:02X}" for byte in words.encode("utf-8", "replace"))
            path = route.path_format.format_map(dict.fromkeys(KNOWN, part) | {"tenant": TENANT})
            answer = await caller.ask(method_of(route), path, body)
            is_list = "{" not in route.path_format and method_of(route) == "GET"
            assert 400 <= answer.status_code < 500 or is_list, (
                route.name,
                body,
                answer.text,
            )
    assert not [one for one in logs if one["log_level"] == "error"]


async def test_oversized_input_is_refused(house: House) -> None:
    caller = house.caller()
    deep = b'{"body": ' + b"[" * (MAX_DEPTH + 5) + b"]" * (MAX_DEPTH + 5) + b"}"
    nan, twice = b'{"body": NaN}', b'{"body": "a", "body": "b"}'
    for route in ROUTES:
        if route.body_field is None:
            continue
        method, path = method_of(route), fill(route)
        answer = await caller.ask(method, path, b" " * (MAX_BATCH_BODY + 1))
        assert answer.status_code == 413, route.name
        for body in (deep, nan, twice, b"[" * 60_000, b'{"a":' * 10_000, b"\xff", b"{", b""):
            answer = await caller.ask(method, path, body)
            assert answer.status_code in (400, 404, 422), (route.name, body[:20])
        answer = await caller.ask(method, path, b"{}", **{"Content-Type": "text/plain"})
        assert answer.status_code == 415
    assert not house.published


async def test_a_key_is_in_no_log_and_no_answer(house: House) -> None:
    with capture_logs() as logs:
        caller = house.caller()
        for route in ROUTES:
            answer = await caller.ask(method_of(route), fill(route), b"{}")
            assert "sayso_" not in answer.text.replace("sayso_...", "")
    assert "sayso_" not in json.dumps(logs, default=str)
