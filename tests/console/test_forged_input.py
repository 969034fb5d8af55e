"""Whatever is sent to whichever route, the answer is what a person can use: never a fault of ours."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx2
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from services.console.api.app import list_routes
from services.console.api.keys import HIGHEST_RATE
from services.console.api.scopes import Scope
from services.console.security import MAX_BODY
from services.console.viewer import Role
from tests.console.harness import Harness
from tests.console.test_routes import CALLS, PAGES, form_of, name
from tests.console.two_branches import COURT, TENANT, address, two_branches

LONG: Final = "x" * 10_000
ODD: Final = (
    "\x00",
    "a\x00b",
    LONG,
    "é" * 5000,
    "-1",
    "-9223372036854775809",
    "9" * 400,
    "1e400",
    "NaN",
    "0001-01-01",
    "9999-12-31",
    "../../etc/passwd",
    "'; DROP TABLE users; --",
    "{{ 7 * 7 }}",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: x=1",
    "\ud800",
    "\u202e\u200b",
    "🏳️‍🌈",
    "%",
    "*",
    "%00",
    "[" * 2000,
    json.dumps({"a": {"b": [1, 2, {"c": None}]}}),
    "",
    " ",
)
ODDEST: Final = ("a\x00b", LONG, "-1", "9" * 400, "0001-01-01", "9999-12-31", "*", '"', "\ud800")
EACH: Final = 3
"""A field gets every third of them, its neighbour the next third; `make fuzz` tries more."""
words = st.one_of(st.sampled_from(ODD), st.text(st.characters(), max_size=60))
"""Lone surrogates as well: each is sent in whichever bytes can carry it."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with two_branches(tmp_path_factory.mktemp("forged")) as found:
        yield found


@pytest.fixture(scope="module")
def client(house: Harness) -> TestClient:
    return house.signed_in(*Role, tenant=TENANT, name="ada")


@pytest.fixture(scope="module")
def key(house: Harness) -> str:
    now = house.console.clock()
    made = house.api.keys.add(TENANT, "t", now, scopes=tuple(Scope), rate=HIGHEST_RATE)
    return made.written


def expect_answer(answer: Any, about: Any) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, about
    assert "Traceback" not in answer.text


def encode(text: str) -> str:
    """For an address: half characters as the bytes that they would be."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def fields_of(route: APIRoute) -> list[str]:
    return [param.alias for param in route.dependant.query_params]


few = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
pages = pytest.mark.parametrize(("method", "route"), [
    one for one in PAGES if not one[1].path.endswith("/stream") and one[1].path != "/sign-out"
], ids=name)  # fmt: skip


@pages
def test_pages_take_any_address(
    house: Harness, client: TestClient, method: str, route: APIRoute
) -> None:
    """Odd identities in the path, and odd values in the query."""

    @few
    @given(st.data())
    def check(data: st.DataObject) -> None:
        names = [param.alias for param in route.dependant.path_params]
        parts = {one: encode(data.draw(words)) or "1" for one in names} | {"tenant": TENANT}
        path = route.path.format_map(parts)
        query = {one: data.draw(words) for one in fields_of(route) if data.draw(st.booleans())}
        query |= {"done": data.draw(words), "after": data.draw(words), "part": data.draw(words)}
        asked = urlencode(
            {one: text.encode("utf-8", "surrogatepass") for one, text in query.items()}
        )
        form = form_of(route, COURT) if method == "POST" else None
        answer = client.request(method, f"{path}?{asked}", data=form, follow_redirects=False)
        expect_answer(answer, (path, query))

    check()


@pages
def test_objects_take_any_query(
    house: Harness, client: TestClient, method: str, route: APIRoute
) -> None:
    """The path leads to something that is there."""
    path = address(house, route.path, COURT)
    if method != "GET":
        pytest.skip("its form is next")
    names = {*fields_of(route), "part", "as", "done", "after", "box", "since", "until", "state"}
    for at, one in enumerate(sorted(names)):
        for odd in ODDEST[at % EACH :: EACH]:
            asked = urlencode({one: odd.encode("utf-8", "surrogatepass")})
            expect_answer(client.get(f"{path}?{asked}", follow_redirects=False), (one, odd))


@pages
def test_forms_take_any_value(
    house: Harness, client: TestClient, method: str, route: APIRoute
) -> None:
    if method == "GET":
        pytest.skip("it has no form")
    path = address(house, route.path, COURT)

    def send(form: dict[str, str]) -> None:
        form["form_key"] = secrets.token_hex(8)
        body = urlencode({one: text.encode("utf-8", "surrogatepass") for one, text in form.items()})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = client.request(method, path, content=body, headers=headers, follow_redirects=False)
        expect_answer(answer, form)

    known = form_of(route, COURT)
    for at, field in enumerate(known):
        for odd in ODDEST[at % EACH :: EACH]:
            send(known | {field: odd})

    @few
    @given(st.data())
    def check(data: st.DataObject) -> None:
        send({field: data.draw(words) for field in known if data.draw(st.booleans())})

    check()


BOUNDARY: Final = "multipart/form-data; boundary=b"
ODD_BODIES: Final = (
    ("application/json", b'{"a": ' * 5000),
    ("application/json", b'"\\ud800"'),
    ("application/json", b"\xff\xfe"),
    ("application/json", b"[NaN, 1e999]"),
    ("application/json", b"null"),
    ("text/plain", b"\x00" * 100),
    ("application/x-www-form-urlencoded", b"%ff%00=%ed%a0%80&" * 20_000),
    ("application/x-www-form-urlencoded; charset=utf-16", b"a=b"),
    (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="file"; filename="\x00"\r\n\r\n\xff'),
    (BOUNDARY, b"--b\r\n" + b"x" * 100_000),
    (BOUNDARY + "; charset=unicode_escape", b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\n\\ud800\r\n--b--\r\n'),
    (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n\x00\xff\r\n--b--\r\n'),
    ("multipart/form-data", b"no boundary"),
    ("", b"a=b"),
    ("x" * 2000, b"a=b"),
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pages
def test_bodies_of_any_kind(
    house: Harness, client: TestClient, method: str, route: APIRoute
) -> None:
    if method == "GET":
        pytest.skip("it has no body")
    path = address(house, route.path, COURT)
    for kind, body in ODD_BODIES:
        answer = client.request(
            method, path, content=body, headers={"content-type": kind}, follow_redirects=False
        )
        expect_answer(answer, kind)


def test_too_much_is_refused_by_its_length(client: TestClient) -> None:
    for length in (MAX_BODY + 1, "9" * 400):
        answer = client.post("/sign-in", content=b"x", headers={"content-length": str(length)})
        assert answer.status_code == 413
    for length in ("-1", "ten", "1_0", "+5"):
        answer = client.post("/sign-in", content=b"x", headers={"content-length": length})
        assert answer.status_code == 400


def test_too_much_is_refused_also_without_a_length(client: TestClient) -> None:
    pieces = (b"a" * (1 << 20) for _ in range(6))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/sign-in", content=pieces, headers=kind)
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("path", ["/" + "a/" * 4000, "/t/" + LONG, "/%00", "/t/%ed%a0%80/messages"])
def test_odd_paths(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("header", ["cookie", "accept-language", "hx-request", "last-event-id"])
def test_odd_headers(client: TestClient, header: str) -> None:
    for odd in (b"\xff\xfe", b"zone=%00%ff; __Host-session=\xff", b"zone=../../etc", b"a" * 8000):
        answer = client.get(f"/t/{TENANT}/messages", headers={header: odd})
        assert answer.status_code < 500


# The API.

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def names_of(route: APIRoute) -> list[str]:
    field = route.body_field
    shape = field.field_info.annotation if field else None
    return list(getattr(shape, "model_fields", ())) or ["number", "action", "event_id"]


@pytest.mark.parametrize(("method", "route"), CALLS, ids=name)
def test_calls_take_anything(
    house: Harness, client: TestClient, key: str, method: str, route: APIRoute
) -> None:
    authorized = {"Authorization": f"Bearer {key}"}
    plain = address(house, route.path, COURT)

    def send(path: str, body: bytes, **headers: Any) -> None:
        answer = client.request(method, path, content=body, headers=authorized | headers)
        expect_answer(answer, (path, body[:200]))
        assert answer.status_code < 400 or "problem" in answer.headers["content-type"]

    for kind, body in ODD_BODIES:
        send(plain, body, **{"content-type": kind})

    @few
    @given(st.data())
    def check(data: st.DataObject) -> None:
        body = {one: data.draw(json_values) for one in names_of(route) if data.draw(st.booleans())}
        written = json.dumps(body).encode()
        identity = data.draw(words).encode("utf-8", "surrogatepass").replace(b"\r\n", b"")
        send(plain, written, **{"content-type": "application/json"})
        send(plain, written, **{"content-type": "application/json", "idempotency-key": identity})
        names = [param.alias for param in route.dependant.path_params]
        parts = {one: encode(data.draw(words)) or "1" for one in names} | {"tenant": TENANT}
        asked = {one: data.draw(words) for one in fields_of(route)}
        query = urlencode(
            {one: text.encode("utf-8", "surrogatepass") for one, text in asked.items()}
        )
        path = route.path.format_map(parts)
        send(f"{path}?{query}", written, **{"content-type": "application/json"})

    check()


def test_the_client_is_the_one_that_programs_use() -> None:
    """Its addresses keep odd bytes as they are."""
    assert b"%00" in httpx2.URL("http://a/%00").raw_path
    assert list_routes()
