"""The consents API over HTTP: who may call, what it answers, that it never says 2xx without
Kafka's word, and that what was told arrives whole."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import shutil
import signal
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_EVENTS, SETTINGS
from services.cli.app import run
from services.console.api.consent_claims import parse_claim
from services.console.api.consents import MAX_BODY
from services.console.api.idempotency_store import FILE as IDS
from services.console.api.keys import FILE, ApiKeys, KeysError
from services.console.api.scopes import Scope
from services.kafka.publisher import Publisher
from services.ledger import Ledger
from services.ledger.ledger import FILE as LEDGER
from tests.adapters.processes import launch, service
from tests.adapters.servers import nobody_listens
from tests.adapters.topics import records
from tests.console.api.serving import house_on, served

NOW = datetime.now(UTC)
NUMBER = "+12125550123"
WORDING = "Yes, text me"
TOLD: dict[str, Any] = {
    "event_id": "f-1",
    "action": "opt_in",
    "number": "+1 (212) 555-0123",
    "at": "2026-03-01T09:30:00-05:00",
    "verified": True,
    "wording": WORDING,
    "url": "https://acme.example/signup",
    "ip": "192.0.2.44",
}
PATH = "/v1/tenants/acme/consents"
README = Path(__file__).parents[3] / "docs" / "guides" / "consents-api.md"


class Api:
    def __init__(self, url: str, state: Path, http: aiohttp.ClientSession) -> None:
        self.url, self.state, self.keys, self._http = url, state, ApiKeys(state), http
        self.key = self.keys.add("acme", "test", NOW)

    async def post(
        self, told: Any, *, path: str = PATH, key: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """With a key that holds unless another is given; "" leaves it out."""
        written = self.key.written if key is None else key
        headers = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {written}"} if written else {}),
            **headers,
        }
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        async with self._http.post(self.url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def serving(bootstrap: str, state: Path) -> AsyncIterator[Api]:
    async with served(bootstrap, state) as url, aiohttp.ClientSession() as http:
        yield Api(url, state, http)


def dead_broker() -> str:
    return nobody_listens().removeprefix("http://")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """No broker is there: what would be published is answered with 503."""
    async with serving(dead_broker(), tmp_path) as serving_:
        yield serving_


def keys_of(state: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((state / FILE).read_text())["keys"]
    return found


async def test_the_caller_is_identified_before_the_body_is_read(api: Api) -> None:
    written = api.key.written
    revoked = api.keys.add("acme", "", NOW)
    api.keys.revoke(revoked.key.id, NOW)
    strangers = [
        "",
        "x",
        written[:-1],
        written[:-1] + ("A" if written[-1] != "A" else "B"),
        written + "A",
        "sayso_" + "0" * 12 + written[18:],
        revoked.written,
    ]
    for stranger in strangers:
        status, said = await api.post(b"{not json", key=stranger)
        assert (status, "sayso keys add" in said["error"]) == (401, True), stranger
    other = api.keys.add("bolt", "", NOW)
    assert (await api.post(b"{not json", key=other.written))[0] == 403
    status, _ = await api.post(TOLD, key="", Authorization=f"Basic {written}")
    assert status == 401


async def test_401_says_how(api: Api) -> None:
    async with aiohttp.ClientSession() as http, http.post(api.url + PATH) as answer:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_key_is_refused_from_the_moment_it_is_revoked(api: Api) -> None:
    assert (await api.post([]))[0] == 400
    ApiKeys(api.state).revoke(api.key.key.id, NOW)
    assert (await api.post([]))[0] == 401


@pytest.mark.parametrize(
    ("told", "headers", "status", "words"),
    [
        pytest.param(b"{", {}, 400, "not JSON", id="not JSON"),
        pytest.param(b"\xff", {}, 400, "not JSON", id="not UTF-8"),
        pytest.param(b"[" * 20_000, {}, 400, "not JSON", id="too deep"),
        pytest.param([TOLD], {}, 400, "object", id="no object"),
        pytest.param(
            TOLD, {"Content-Type": "text/plain"}, 415, "application/json", id="another type"
        ),
        pytest.param(TOLD | {"wording": "x" * MAX_BODY}, {}, 413, str(MAX_BODY), id="too large"),
        pytest.param(TOLD, {"Idempotency-Key": "f-2"}, 422, "differ", id="two ids"),
    ],
)
async def test_bodies_that_cannot_be_read(
    api: Api, told: Any, headers: dict[str, str], status: int, words: str
):
    found, said = await api.post(told, **headers)
    assert (found, words in said["error"]) == (status, True)


@pytest.mark.parametrize(
    ("changes", "field", "fix"),
    [
        pytest.param({"event_id": None}, "event_id", "", id="no id"),
        pytest.param({"event_id": "a b"}, "event_id", "no blank", id="id with a blank"),
        pytest.param({"action": "ask"}, "action", "opt_in", id="action"),
        pytest.param({"number": "2125550123"}, "number", "country code", id="number without plus"),
        pytest.param({"number": "+19995550123"}, "number", "correct", id="number that is nobody's"),
        pytest.param(
            {"number": "+18005550123"}, "number", "toll-free", id="number that cannot be texted"
        ),
        pytest.param(
            {"number": "+1", "action": "opt_out"},
            "number",
            "not a phone number",
            id="opt-out of no number",
        ),
        pytest.param({"at": "2026-03-01T09:30:00"}, "at", "with its zone", id="time without zone"),
        pytest.param({"at": "2999-03-01T09:30:00Z"}, "at", "future", id="time to come"),
        pytest.param({"verified": "maybe"}, "verified", "", id="verified"),
        pytest.param({"wording": None}, "body", "give wording", id="no wording"),
        pytest.param({"wording": ""}, "wording", "at least 1", id="empty wording"),
        pytest.param(
            {"wording": " \n\t"}, "wording", "words that the person saw", id="blank wording"
        ),
        pytest.param({"wording": "x" * 4001}, "wording", "at most 4000", id="long wording"),
        pytest.param({"wording": "\ud800"}, "body", "", id="half a character"),
        pytest.param(
            {"wording_sha256": "0" * 64}, "body", "not that of wording", id="another wording's hash"
        ),
        pytest.param({"url": None}, "body", "give url", id="no page"),
        pytest.param({"url": "acme.example"}, "url", "https://", id="page without scheme"),
        pytest.param({"url": "http://[::1"}, "url", "https://", id="page that is none"),
        pytest.param({"ip": None}, "body", "give ip", id="no address"),
        pytest.param({"ip": "192.0.2.444"}, "ip", "192.0.2.44", id="no such address"),
        pytest.param(
            {"ip": "fe80::1%<b>anything</b>"}, "ip", "192.0.2.44", id="words behind an address"
        ),
        pytest.param({"nmuber": NUMBER}, "nmuber", "not known", id="misspelt"),
    ],
)
async def test_each_wrong_field_is_named_with_what_to_do(
    api: Api, changes: dict[str, Any], field: str, fix: str
):
    status, said = await api.post(
        {name: value for name, value in (TOLD | changes).items() if value is not None}
    )
    assert status == 422
    (problem,) = said["problems"]
    assert problem["field"] == field
    assert fix in problem["fix"]
    assert "5550123" not in json.dumps(said)


async def test_all_problems_are_returned_at_once(api: Api) -> None:
    _, said = await api.post({"number": "x", "ip": "y"})
    assert [problem["field"] for problem in said["problems"]] == [
        "event_id",
        "action",
        "number",
        "at",
        "ip",
    ]


async def test_other_addresses_and_methods(api: Api) -> None:
    assert (await api.post(TOLD, path="/v1/tenants/acme/consent"))[0] == 404
    async with aiohttp.ClientSession() as http, http.get(api.url + PATH) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert "POST" in (await answer.json())["detail"]


async def test_without_kafka_the_caller_is_told_to_retry(api: Api) -> None:
    """The id is taken from the first try on: what was not confirmed may still arrive."""
    for _ in range(2):
        status, said = await api.post(TOLD)
        assert (status, "same event_id" in said["error"]) == (503, True)
    assert (await api.post(TOLD | {"wording": "Something else"}))[0] == 409
    assert (await api.post(TOLD | {"action": "opt_out"}))[0] == 503, "under any id"
    async with aiohttp.ClientSession() as http:
        async with http.get(api.url + "/ready") as answer:
            assert answer.status == 503
        async with http.get(api.url + "/live") as answer:
            assert await answer.json() == {"live": True}


async def test_unreadable_keys_let_no_caller_in(api: Api) -> None:
    (api.state / FILE).write_text("{")
    assert (await api.post(TOLD))[0] == 503


@pytest.mark.broker
async def test_a_consent_arrives_once_with_its_evidence(fresh_cluster: str, tmp_path: Path) -> None:
    async with serving(fresh_cluster, tmp_path) as api:
        with capture_logs() as logs:
            assert await api.post(TOLD) == (
                202,
                {"event_id": "f-1", "action": "opt_in", "source": "form", "repeated": False},
            )
            status, said = await api.post(TOLD | {"number": NUMBER, "at": "2026-03-01T14:30:00Z"})
            assert (status, said["repeated"]) == (200, True), "the same, written otherwise"
            assert (await api.post(TOLD | {"at": "2026-03-01T14:30:01Z"}))[0] == 409
            unproved = {
                "event_id": "f-2",
                "action": "opt_in",
                "number": NUMBER,
                "at": "2026-03-02T09:30:00Z",
            }
            shown = {name: TOLD[name] for name in ("wording", "url", "ip")}
            assert (await api.post(unproved | shown))[1]["source"] == "web_form"
            out = {"action": "opt_out", "number": "+19995550123", "at": "2026-03-03T09:30:00Z"}
            assert (await api.post(out, **{"Idempotency-Key": "f-3"}))[0] == 202, (
                "whoever wants out needs no proof"
            )
            with contextlib.closing(sqlite3.connect(tmp_path / IDS)) as sql:
                sql.execute("DROP TABLE calls")
            out["event_id"] = "f-4"
            assert (await api.post(out))[0] == 202, "nor ids that can be noted down"
    found = await records(fresh_cluster, CONSENT_EVENTS)
    events = sorted(
        (CONSENT_EVENTS.decode(record.value) for record in found), key=lambda event: event.event_id
    )
    assert [(event.event_id, event.action, event.source) for event in events] == [
        ("f-1", "opt_in", "form"),
        ("f-2", "opt_in", "web_form"),
        ("f-3", "opt_out", "web_form"),
        ("f-4", "opt_out", "web_form"),
    ]
    first = events[0]
    assert {record.key for record in found} == {b"acme/+12125550123", b"acme/+19995550123"}
    assert (first.number, first.at) == (NUMBER, datetime(2026, 3, 1, 14, 30, tzinfo=UTC))
    assert first.evidence.model_dump(exclude_none=True) == {
        "wording": WORDING,
        "wording_sha256": hashlib.sha256(WORDING.encode()).hexdigest(),
        "ip": "192.0.2.44",
        "url": "https://acme.example/signup",
        "key_id": api.key.key.id,
    }
    assert logs
    assert "5550123" not in json.dumps(logs)
    assert "0123" in json.dumps(logs)


@pytest.mark.broker
async def test_a_tenant_is_unknown_until_it_has_settings(
    fresh_cluster: str, tmp_path: Path
) -> None:
    ledger, publisher = Ledger.open(tmp_path / LEDGER), Publisher(fresh_cluster, source="test")
    other = TenantSettings(tenant="bolt", name="Bolt", sender="24273")
    await publisher.publish(SETTINGS, other)
    await ledger.catch_up(fresh_cluster)
    async with serving(fresh_cluster, tmp_path) as api:
        status, said = await api.post(TOLD)
        assert (status, "sayso tenants apply" in said["error"]) == (404, True)
        await publisher.publish(
            SETTINGS, TenantSettings(tenant="acme", name="Acme", sender="24273")
        )
        await ledger.catch_up(fresh_cluster)
        assert (await api.post(TOLD))[0] == 202
    await publisher.stop()
    ledger.close()


@pytest.mark.broker
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_the_readme_says_what_happens(fresh_cluster: str, tmp_path: Path) -> None:
    """Its curl call, run as it stands but for the port, and its answer."""
    found = re.search(
        r"^\$ (curl .*?')\n(\{.*?\})\n```", README.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found
    call, answer = found.groups()
    key = ApiKeys(tmp_path).add("harbor", "website", NOW).written
    told = {
        "SAYSO_BOOTSTRAP": fresh_cluster,
        "SAYSO_STATE": str(tmp_path),
        "SAYSO_CONSOLE_PORT": "0",
    }
    async with service("services.console", tmp_path, **told) as running:
        command = call.replace("http://127.0.0.1:8430", running.url)
        said = await _shell(f"KEY={key}\n{command}")
        assert json.loads(said) == json.loads(answer)
        assert json.loads(await _shell(f"KEY={key}\n{command}"))["repeated"] is True
        running.process.send_signal(signal.SIGTERM)
        out, err = await running.process.communicate()
    assert running.process.returncode == 0
    assert b"5550123" not in out + err
    assert len(await records(fresh_cluster, CONSENT_EVENTS)) == 1


async def _shell(script: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "sh", "-euc", script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_one_sentence_when_it_cannot_start(tmp_path: Path) -> None:
    for told, words in (
        ({}, b"SAYSO_BOOTSTRAP"),
        ({"SAYSO_CONSOLE_PORT": "high"}, b"SAYSO_CONSOLE_PORT"),
    ):
        process = await launch("services.console", SAYSO_STATE=str(tmp_path), **told)
        _, said = await process.communicate()
        assert (process.returncode, said.startswith(words), said.count(b"\n")) == (2, True, 1)


def test_keys_are_made_listed_and_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--state", str(tmp_path)]
    assert run(["keys", "add", "-t", "acme", "--label", "website", *there]) == 0
    said = capsys.readouterr()
    written = said.out.strip()
    assert written not in said.err
    key = ApiKeys(tmp_path).find(written)
    assert key is not None
    assert (key.tenant, key.label) == ("acme", "website")
    assert run(["keys", "list", "--json", *there]) == 0
    listed = capsys.readouterr().out
    assert [one["id"] for one in json.loads(listed)] == [key.id]
    assert key.sha256 not in listed
    assert run(["keys", "list", "-t", "bolt", "--json", *there]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(["keys", "revoke", key.id, *there]) == 0
    assert ApiKeys(tmp_path).find(written) is None
    assert run(["keys", "revoke", "nobody", *there]) == 2
    assert run(["keys", "add", "-t", "a/b", *there]) == 2
    assert run(["keys", "list", *there]) == 0
    assert key.id in capsys.readouterr().out


def test_a_key_has_scopes_a_rate_and_may_be_for_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--state", str(tmp_path)]
    add = ["keys", "add", "-t", "acme", *there]
    more = ["--scope", "usage", "--scope", "messages:write", "--rate", "7", "--test"]
    for options, scopes, rate, test in (
        ([], ("consents",), 50, False),
        (more, ("messages:write", "usage"), 7, True),
        (["--scope", "all"], tuple(Scope), 50, False),
    ):
        assert run([*add, *options]) == 0
        key = ApiKeys(tmp_path).find(capsys.readouterr().out.strip())
        assert key is not None
        assert (key.scopes, key.rate, key.test) == (scopes, rate, test)
    for wrong in (["--scope", "everything"], ["--rate", "0"]):
        assert run([*add, *wrong]) == 2


def test_a_key_of_the_version_before_still_reports_consents(tmp_path: Path) -> None:
    keys = ApiKeys(tmp_path)
    made = keys.add("acme", "website", NOW, scopes=[Scope.USAGE])
    old = {
        name: value
        for name, value in keys_of(tmp_path)[0].items()
        if name not in ("scopes", "rate", "test")
    }
    (tmp_path / FILE).write_text(json.dumps({"keys": [old]}))
    found = ApiKeys(tmp_path).find(made.written)
    assert found is not None
    assert (found.scopes, found.test) == (("consents",), False)


def test_the_file_of_keys_hides_them(tmp_path: Path) -> None:
    keys = ApiKeys(tmp_path / "state")
    made = [keys.add(tenant, "", NOW) for tenant in ("acme", "bolt")]
    file = tmp_path / "state" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    for one in made:
        secret = one.written.split("_", 2)[2]  # which may have such a dash itself
        assert secret[:10] not in file.read_text()
    assert len(keys_of(tmp_path / "state")) == 2
    assert [keys.find(one.written) for one in made] == [one.key for one in made]


def test_a_key_is_revoked_once(tmp_path: Path) -> None:
    keys = ApiKeys(tmp_path)
    made = keys.add("acme", "", NOW)
    first = keys.revoke(made.key.id, NOW)
    assert keys.revoke(made.key.id, NOW + timedelta(days=1)) == first
    with pytest.raises(KeysError, match="sayso keys list"):
        keys.revoke("nobody", NOW)


async def test_event_ids_are_per_tenant_and_independent_of_the_key(tmp_path: Path) -> None:
    """A tenant may replace its key between two tries."""
    async with house_on(tmp_path) as house:
        first, renewed, other = house.caller(), house.caller(), house.caller("bolt")
        assert (await first.post(PATH, TOLD)).status_code == 202
        assert (await renewed.post(PATH, TOLD)).status_code == 200
        assert (await other.post(PATH.replace("acme", "bolt"), TOLD)).status_code == 202
        assert [event.tenant for _, event in house.published] == ["acme", "bolt"]


async def test_an_opt_out_is_taken_while_the_same_id_is_under_way(tmp_path: Path) -> None:
    async with house_on(tmp_path) as house:
        caller = house.caller()
        out = {"event_id": "f-1", "action": "opt_out", "number": NUMBER, "at": TOLD["at"]}
        assert (await caller.post(PATH, TOLD)).status_code == 202
        assert (await caller.post(PATH, TOLD | {"ip": "192.0.2.45"})).status_code == 409
        assert (await caller.post(PATH, out)).status_code == 202
        assert [event.action for _, event in house.published] == ["opt_in", "opt_out"]


def test_a_body_that_is_just_not_too_deep_to_read_is_refused_too() -> None:
    """To write it takes a few calls more than to read it."""
    for depth in range(900, 1100):
        try:
            body = json.loads("[" * depth + "]" * depth)
        except RecursionError:
            break
        assert isinstance(parse_claim("acme", body, "k", NOW), tuple)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("1970-01-01T00:00:00Z", "before text messaging existed"),
        ("1992-12-02T00:00:00Z", "before text messaging existed"),
        ("2000-01-01T00:00:00-05:00", "placeholder"),
        ("9999-12-31T23:59:59Z", "in the future"),
    ],
)
async def test_a_date_that_proves_nothing_is_refused_of_a_yes_only(
    api: Api, at: str, words: str
) -> None:
    status, said = await api.post(TOLD | {"at": at})
    assert status == 422
    assert [(one["field"], words in one["fix"]) for one in said["problems"]] == [("at", True)]
    no = {name: TOLD[name] for name in ("event_id", "number")}
    status, _ = await api.post(no | {"action": "opt_out", "at": at})
    assert status == 503  # it was valid; there is no Kafka here


@pytest.mark.parametrize(
    "at", ["20271201", 1772375400, "1772375400", "2026-03-01", "2026-03-01T09:30:00", True]
)
async def test_a_time_is_rfc_3339_with_its_offset(api: Api, at: Any) -> None:
    status, said = await api.post(TOLD | {"at": at})
    assert (status, [one["field"] for one in said["problems"]]) == (422, ["at"])


@pytest.mark.parametrize("verified", ["true", "yes", 1, 0, "", None])
async def test_a_boolean_is_true_or_false(api: Api, verified: Any) -> None:
    status, said = await api.post(TOLD | {"verified": verified})
    assert (status, [one["field"] for one in said["problems"]]) == (422, ["verified"])
