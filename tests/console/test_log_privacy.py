"""The log of a running console: whatever is asked, no line has a number, a text, a token, a cookie,
or an address with a query."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from services.console.access import COOKIE
from services.console.accounts.sessions import Sessions
from services.console.accounts.store import FILE, Store
from services.console.accounts.users import Users
from services.console.number_tokens import NumberTokens
from services.console.viewer import ANY, Grant, Role
from services.ledger.ledger import FILE as LEDGER_FILE
from services.settings import VARIABLES
from tests.console.people_ledger import ANA
from tests.console.two_branches import COURT, INTAKE, TENANT, TwoBranches

PASSWORD = "a password that nobody logs"
QUERY = "words-of-a-query"


def fill(state: Path) -> None:
    office = TwoBranches(state / LEDGER_FILE)
    office.settle(branches={COURT: {}, INTAKE: {}})
    office.add_person("ana", "Ana Rivera", ANA)
    office.join("8841", COURT, "ana")
    office.text(COURT)
    office.talk(COURT)
    office.ledger.close()


def test_no_line_tells_of_people(tmp_path: Path) -> None:
    fill(tmp_path)
    store = Store(tmp_path)
    users, now = Users(store), datetime.now(UTC)
    users.add("dana", "Dana", [Grant(ANY, ANY, Role.ADMIN)], now, password=PASSWORD)
    sessions = Sessions(store, users)
    session, link = sessions.begin("dana", now), sessions.make_link("dana", now)
    thread = f"/t/{TENANT}/threads/{NumberTokens(store).write(TENANT, ANA)}"
    log, ready = tmp_path / "log", tmp_path / "ready"
    environment = {
        name: text for name, text in os.environ.items() if name not in VARIABLES.values()
    } | {
        "SAYSO_STATE": str(tmp_path),
        "SAYSO_BOOTSTRAP": "127.0.0.1:1",
        "SAYSO_CONSOLE_PORT": "0",
        "SAYSO_CONSOLE_URL": "http://console.test",
    }
    command = [sys.executable, "-m", "services.console", "--port-file", str(ready)]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        end = time.monotonic() + 60
        while not ready.exists() or not ready.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        ask(f"http://127.0.0.1:{ready.read_text()}", store, session, link, thread)
    finally:
        process.terminate()
        process.wait(60)
    written = log.read_text()
    assert "signed_in" in written
    assert "sign_in_failed" in written
    assert "failed" in written, "the fault was not logged"
    told = [ANA, ANA[1:], "2125550101", "Words of court", PASSWORD, session, link, QUERY, thread]
    told += ["Ana Rivera", COOKIE, "?q=", "typed-as-a-name", "/messages/", "/people/"]
    assert [secret for secret in told if secret in written] == []


def ask(url: str, store: Store, session: str, link: str, thread: str) -> None:
    headers = {"host": "console.test", "sec-fetch-site": "same-origin"}
    with httpx2.Client(base_url=url, headers=headers, timeout=60) as http:
        cookie = {"cookie": f"{COOKIE}={session}"}
        for path in (thread, f"/t/{TENANT}/messages/m-{COURT}", f"/t/{TENANT}/people/ana"):
            assert http.get(f"{path}?q={QUERY}", headers=cookie).status_code == 200
        http.get(f"/nothing?q={QUERY}", headers=cookie)
        http.post("/sign-in", data={"name": "typed-as-a-name", "password": PASSWORD})
        http.post("/sign-in", data={"name": "dana", "password": f"not {PASSWORD}"})
        assert http.post("/sign-in", data={"name": "dana", "password": PASSWORD}).status_code == 303
        assert http.post("/sign-in/link", data={"token": link}).status_code == 303
        form = {"form_key": "k", "seen": "", "body": "Words of court"}
        http.post(f"{thread}/reply?q={QUERY}", data=form, headers=cookie)  # there is no Kafka
        # A fault of ours: the file of forms is gone.
        store.change("DROP TABLE form_results")
        answer = http.post(
            f"/t/{TENANT}/people/-/new?q={QUERY}",
            data={"form_key": "k2", "name": "Words of court", "person_id": "p9", "number": ANA},
            headers=cookie,
        )
        assert answer.status_code == 500
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        inside = ("form_results", "sqlite", "Traceback", "services/", ANA, "Error")
        assert [word for word in inside if word in answer.text] == []


@pytest.mark.parametrize("kind", ["mode", "file"])
def test_the_store_is_for_its_owner(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path / "state")
    store.close()
    path = tmp_path / "state" / FILE
    wanted = {"mode": (path.parent, 0o700), "file": (path, 0o600)}[kind]
    assert wanted[0].stat().st_mode & 0o777 == wanted[1]
