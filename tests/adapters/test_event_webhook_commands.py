"""Endpoints by hand: what may be saved, who did it, secrets shown once, replay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.cli.app import run
from services.event_webhooks.deliveries import CHUNK, Deliveries
from services.event_webhooks.endpoints import EndpointState
from services.event_webhooks.store import FILE, Store, StoreError
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.event_webhooks import MOST_ENDPOINTS, EndpointManager, open_endpoints

NOW = datetime.now(UTC).replace(microsecond=0)
FIELDS: dict[str, Any] = {
    "url": "https://crm.example/hook",
    "owner": "it@acme.example",
    "events": ["message.*"],
}


async def public(_host: str, _port: int) -> Sequence[str]:
    return ["93.184.215.14"]


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[EndpointManager]:
    with open_endpoints(tmp_path, public) as opened:
        yield opened


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "http://crm.example/", "https"),
        ("url", "https://user:pw@crm.example/", "user name"),
        ("owner", "nobody", "mail address"),
        ("owner", "a@b.example, c@d.example", "mail address"),
        ("owner", "a@b.example\r\nBcc: x@y.example", "mail address"),
        ("events", [], "--event is missing"),
        ("events", ["mesage.sent"], "mesage.sent"),
        ("events", ["endpoint.test"], "endpoint.test"),
        ("about", "   ", "empty"),
        ("about", "a" * 201, "too long"),
    ],
)
async def test_what_cannot_be_used_is_named(
    manager: EndpointManager, field: str, value: Any, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await manager.add("acme", "dana", **FIELDS | {field: value})
    assert manager.list() == []
    made = await manager.add("acme", "dana", **FIELDS)
    with pytest.raises(InvalidRequest, match=words):
        await manager.change(made.endpoint.id, "dana", **{field: value})
    assert manager.list() == [made.endpoint]


async def test_a_private_address_is_refused_when_it_is_saved(tmp_path: Path) -> None:
    async def private(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", "10.0.0.1"]

    with (
        open_endpoints(tmp_path, private) as manager,
        pytest.raises(InvalidRequest, match="not public"),
    ):
        await manager.add("acme", "dana", **FIELDS)
    with open_endpoints(tmp_path, private, allow_private=True) as manager:
        await manager.add("acme", "dana", **FIELDS)


async def test_a_secret_is_shown_once_and_written_nowhere_else(
    manager: EndpointManager, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        made = await manager.add("acme", "dana", **FIELDS)
        again = manager.rotate(made.endpoint.id, "erin")
    secrets = [made.secret.get_secret_value(), again.secret.get_secret_value()]
    assert secrets[0] != secrets[1]
    shown = repr((made, again, manager.list(), manager.list_changes(), logs))
    assert not any(secret in shown for secret in secrets)
    assert again.endpoint.valid_secrets(datetime.now(UTC)) == (again.secret, made.secret)
    assert again.endpoint.valid_secrets(datetime.now(UTC) + timedelta(hours=25)) == (again.secret,)
    files = {file: file.read_bytes() for file in list_files(tmp_path)}
    others = [data for file, data in files.items() if not file.name.startswith(FILE)]
    assert not any(secret.encode() in data for secret in secrets for data in others)
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def list_files(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


async def test_everything_that_is_done_names_who_did_it(manager: EndpointManager) -> None:
    endpoint = (await manager.add("acme", "dana", **FIELDS)).endpoint.id
    await manager.change(endpoint, "erin", texts=True)
    manager.rotate(endpoint, "fay")
    manager.pause(endpoint, "gus")
    manager.resume(endpoint, "hal")
    manager.send_test(endpoint, "ida")
    manager.delete(endpoint, "jan")
    found = [(one.by, one.action) for one in reversed(manager.list_changes(endpoint))]
    assert found == [
        ("dana", "added"),
        ("erin", "changed"),
        ("fay", "secret rotated"),
        ("gus", "paused"),
        ("hal", "resumed"),
        ("ida", "tested"),
        ("jan", "deleted"),
    ]
    assert manager.list() == []


async def test_what_is_another_tenants_does_not_exist(
    manager: EndpointManager, tmp_path: Path
) -> None:
    made = await manager.add("acme", "dana", **FIELDS)
    endpoint = made.endpoint.id
    delivery = manager.send_test(endpoint, "dana").id
    with open_endpoints(tmp_path, public, tenant="acme") as ours:
        assert ours.get(endpoint) == made.endpoint
        assert ours.get_delivery(delivery).endpoint == endpoint
        assert len(ours.list_changes()) == 2
    with open_endpoints(tmp_path, public, tenant="bolt") as theirs:
        for attempt in (
            lambda: theirs.get(endpoint),
            lambda: theirs.count(endpoint),
            lambda: theirs.rotate(endpoint, "eve"),
            lambda: theirs.pause(endpoint, "eve"),
            lambda: theirs.delete(endpoint, "eve"),
            lambda: theirs.send_test(endpoint, "eve"),
            lambda: theirs.page(endpoint),
            lambda: theirs.get_delivery(delivery),
            lambda: theirs.replay(delivery, "eve"),
            lambda: theirs.replay_period(endpoint, NOW, NOW + timedelta(1), "eve"),
        ):
            with pytest.raises(InvalidRequest, match="There is no"):
                attempt()
        for coroutine in (
            theirs.change(endpoint, "eve", texts=True),
            theirs.add("acme", "eve", **FIELDS),
        ):
            with pytest.raises(InvalidRequest, match="There is no"):
                await coroutine
        assert (theirs.list(), theirs.list("acme"), theirs.list_changes()) == ([], [], [])


async def test_a_tenant_has_so_many_endpoints(manager: EndpointManager) -> None:
    for _ in range(MOST_ENDPOINTS):
        await manager.add("acme", "dana", **FIELDS)
    with pytest.raises(InvalidRequest, match="delete one"):
        await manager.add("acme", "dana", **FIELDS)
    await manager.add("bolt", "dana", **FIELDS)


async def test_what_makes_no_sense_is_refused(manager: EndpointManager) -> None:
    endpoint = (await manager.add("acme", "dana", **FIELDS)).endpoint.id
    for attempt in (
        lambda: manager.resume(endpoint, "dana"),
        lambda: manager.rotate(endpoint, "dana", timedelta(days=31)),
        lambda: manager.rotate(endpoint, "dana", timedelta(hours=-1)),
        lambda: manager.pause("ep_none", "dana"),
        lambda: manager.get_delivery(7),
        lambda: manager.page(endpoint, "lost"),
        lambda: manager.replay_period(endpoint, NOW, NOW, "dana"),
    ):
        with pytest.raises(InvalidRequest):
            attempt()
    with pytest.raises(InvalidRequest):
        await manager.change(endpoint, "dana")
    manager.pause(endpoint, "dana")
    with pytest.raises(InvalidRequest, match="resume"):
        manager.send_test(endpoint, "dana")


async def test_a_period_is_replayed_in_pieces(manager: EndpointManager, tmp_path: Path) -> None:
    """What was given up in it; with `every` also what was delivered; nothing before or after."""
    endpoint = (await manager.add("acme", "dana", **FIELDS)).endpoint.id
    store = Store(tmp_path)
    deliveries, count = Deliveries(store), CHUNK + 10
    with store.transaction():
        for n in range(count):
            at = NOW + timedelta(seconds=n)
            one = deliveries.add(endpoint, f"evt_{n}", "message.sent", at, b"{}", NOW)
            assert one is not None
            if n % 2:
                deliveries.note_failure(one, 500, "status", NOW, None)
            else:
                deliveries.note_delivered(one, 200, NOW)
    store.close()
    told: list[tuple[int, int | None]] = []
    first, end = NOW + timedelta(seconds=1), NOW + timedelta(seconds=count - 1)
    chosen = manager.replay_period(endpoint, first, end, "dana")
    assert chosen == manager.count(endpoint)["pending"] == (count - 2) // 2
    chosen = manager.replay_period(
        endpoint,
        first,
        end,
        "dana",
        every=True,
        on_progress=lambda done, of: told.append((done, of)),
    )
    assert chosen == (count - 2) // 2  # the others are pending already
    assert manager.count(endpoint) == {"pending": count - 2, "delivered": 1, "failed": 1}
    assert told[-1] == (chosen, chosen)


async def test_a_replayed_delivery_begins_anew_with_its_id(manager: EndpointManager) -> None:
    endpoint = (await manager.add("acme", "dana", **FIELDS)).endpoint.id
    made = manager.send_test(endpoint, "dana")
    again = manager.replay(made.id, "dana")
    assert (again.event_id, again.failures, again.state) == (made.event_id, 0, "pending")


def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database, whatever its name says" * 30)
    with pytest.raises(OperationFailed, match="cannot be used"), open_endpoints(tmp_path, public):
        pass


def test_the_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="newer version"):
        Store(tmp_path)


# --- the command line


@pytest.fixture
def _laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.setenv("SAYSO_WEBHOOKS_ALLOW_PRIVATE", "1")
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)


def endpoint_command(*words: str) -> int:
    return run(["event-webhooks", "endpoint", *words])


@pytest.mark.usefixtures("_laptop")
def test_each_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(*words: str) -> Any:
        assert endpoint_command(*words, "--json") == 0
        return json.loads(capsys.readouterr().out)

    made = ask(
        "add", "-t", "acme", "--url", "http://127.0.0.1:9/", "--owner", "a@b.example",
        "-e", "message.*", "-e", "reply.received", "--by", "dana",
    )  # fmt: skip
    endpoint, secret = made["id"], made["secret"]
    assert secret.startswith("whsec_")
    assert made["events"] == ["message.*", "reply.received"]
    assert (made["numbers"], made["texts"]) == (False, False)
    changed = ask("change", endpoint, "--include-text", "--include-numbers", "--by", "dana")
    assert (changed["numbers"], changed["texts"]) == (True, True)
    assert ask("rotate", endpoint, "--by", "dana")["secret"] != secret
    assert ask("pause", endpoint, "--by", "dana")["state"] == EndpointState.PAUSED
    assert ask("resume", endpoint, "--by", "dana")["state"] == EndpointState.ACTIVE
    [listed] = ask("list")
    assert (listed["id"], listed["deliveries"]["pending"]) == (endpoint, 0)
    assert ask("deliveries", endpoint) == []
    assert ask("replay", endpoint, "--from", "2026-01-01T00:00Z", "--by", "dana")["replayed"] == 0
    assert len(ask("types")) == 23
    assert len(ask("history", endpoint)) == 6
    for words in (["list"], ["history"], ["types"], ["deliveries", endpoint]):
        assert endpoint_command(*words) == 0
    shown = capsys.readouterr()
    ask("delete", endpoint, "--yes", "--by", "dana")
    assert secret not in shown.out + shown.err
    assert ask("list") == []


@pytest.mark.usefixtures("_laptop")
def test_a_payload_is_shown_masked_unless_somebody_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    body = json.dumps({"data": {"number": "+12125550123", "text": "my secret"}}).encode()
    one = Deliveries(store).add("ep_x", "evt_x", "reply.received", NOW, body, NOW)
    store.close()
    for form in ([], ["--json"]):
        assert endpoint_command("delivery", str(one), *form) == 0
        shown = capsys.readouterr().out
        assert "evt_x" in shown
        assert "2125550123" not in shown
        assert "my secret" not in shown
        assert endpoint_command("delivery", str(one), "--unmask", *form) == 0
        assert "+12125550123" in capsys.readouterr().out


@pytest.mark.usefixtures("_laptop")
@pytest.mark.parametrize(
    "words",
    [
        "pause ep_none",
        "replay ep_none",
        "replay ep_none --delivery 1 --from 2026-01-01T00:00Z",
        "replay ep_none --from yesterday",
        "delivery 1",
        "add -t acme --owner a@b.example -e message.*",
        "add -t acme --url ftp://x --owner a@b.example -e message.*",
        "add -t ../acme --url http://127.0.0.1:9/ --owner a@b.example -e message.*",
        "deliveries ep_none --only lost",
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert endpoint_command(*words.split()) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("_laptop")
def test_an_option_before_the_command_is_refused() -> None:
    assert run(["event-webhooks", "--bootstrap", "127.0.0.1:9", "endpoint", "list"]) == 2
