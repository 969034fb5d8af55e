"""Sign in at a real identity provider; and what is not believed of one that lies."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.testclient import TestClient

from services.console.access import COOKIE
from services.console.accounts.identity_provider import (
    IdentityProvider,
    ProviderError,
    is_safe,
    read_provider_settings,
)
from services.console.accounts.users import Users
from services.console.pages import sign_in_oidc
from services.console.viewer import Role
from services.settings import ServiceSettings, SettingsError
from tests.console.harness import URL, Harness, console_on
from tests.identity_provider.running import CLIENT_ID, SECRET, identity_provider

CALLBACK = f"{URL}/sign-in/oidc/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with identity_provider([CALLBACK]) as found:
        yield found


def settings_for(issuer: str, **more: str) -> dict[str, Any]:
    given = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": SECRET}
    return given | more


@pytest.fixture
def house(tmp_path: Path, issuer: str) -> Iterator[Harness]:
    with console_on(tmp_path, datetime.now(UTC)) as found:
        configure(found, issuer)
        yield found


def configure(house: Harness, issuer: str, **more: str) -> None:
    settings = ServiceSettings.model_validate(
        {"state": house.state, **settings_for(issuer, **more)}
    )
    house.console.settings = settings


def begin(client: TestClient, target: str = "/account") -> str:
    """The provider's address that the browser is sent to."""
    answer = client.get(f"/sign-in/oidc?next={target}", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    client.cookies.set(sign_in_oidc.COOKIE, answer.cookies[sign_in_oidc.COOKIE])
    return str(answer.headers["location"])


def sign_in_there(address: str, login: str) -> str:
    """What a browser does at the provider. Returns the address that it is sent back to."""
    with httpx2.Client() as browser:
        answer = browser.get(address)
        for form in ({"prompt": "login", "login": login, "password": "any"}, {"prompt": "consent"}):
            while answer.status_code in (302, 303):
                address = answer.headers["location"]
                if address.startswith(CALLBACK):
                    return address
                address = str(httpx2.URL(answer.request.url).join(address))
                answer = browser.get(address)
            action = re.search(r'<form[^>]+action="([^"]+)"', answer.text)
            assert action is not None, answer.text
            answer = browser.post(action[1], data=form)
        while answer.status_code in (302, 303):
            address = str(httpx2.URL(answer.request.url).join(answer.headers["location"]))
            if address.startswith(CALLBACK):
                return address
            answer = browser.get(address)
    raise AssertionError(answer.text)


def come_back(client: TestClient, address: str) -> Any:
    return client.get(address.removeprefix(URL), follow_redirects=False)


def test_a_known_subject_comes_in(house: Harness) -> None:
    users = Users(house.console.store)
    users.add("dana", "Dana", [], house.console.clock(), subject="dana-there")
    client = house.anonymous()
    assert "/sign-in/oidc" in client.get("/sign-in").text
    address = begin(client)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = sign_in_there(address, "dana-there")
    answer = come_back(client, back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert COOKIE in answer.cookies
    again = come_back(client, back)
    assert again.status_code == 400, "a code was used twice"


def test_two_tabs_do_not_break_each_other(house: Harness) -> None:
    users = Users(house.console.store)
    users.add("dana", "Dana", [], house.console.clock(), subject="dana-there")
    client = house.anonymous()
    tabs = [begin(client, "/account"), begin(client, "/")]
    backs = [sign_in_there(tab, "dana-there") for tab in tabs]
    answers = [come_back(client, back) for back in reversed(backs)]
    assert [one.headers["location"] for one in answers] == ["/", "/account"]


def test_an_unknown_subject_is_told_whom_to_ask(house: Harness) -> None:
    users = Users(house.console.store)
    users.add("stranger", "Same name", [], house.console.clock())
    client = house.anonymous()
    answer = come_back(client, sign_in_there(begin(client), "stranger"))
    assert answer.status_code == 403
    assert "Ask an admin" in answer.text
    assert COOKIE not in answer.cookies


def test_an_attempt_belongs_to_its_browser(house: Harness) -> None:
    """Nobody is signed in as somebody else by a link with a code."""
    Users(house.console.store).add("dana", "Dana", [], house.console.clock(), subject="dana-there")
    back = sign_in_there(begin(house.anonymous()), "dana-there")
    assert come_back(house.anonymous(), back).status_code == 400
    victim = house.anonymous()
    begin(victim)
    assert come_back(victim, back).status_code == 400


def test_groups_give_roles_at_each_sign_in(house: Harness, issuer: str) -> None:
    mapping = "court-staff=staff@harbor/court, court-staff=analyst@harbor"
    configure(house, issuer, oidc_roles=mapping)
    users = Users(house.console.store)
    client = house.anonymous()
    assert come_back(client, sign_in_there(begin(client), "court-eve")).status_code == 303
    made = users.find_subject("court-eve")
    assert made is not None
    assert made.name == "court-eve"
    assert {(one.branch, one.role) for one in made.grants} == {
        ("court", Role.STAFF),
        ("*", Role.ANALYST),
    }
    configure(house, issuer, oidc_roles="others=admin")
    assert come_back(client, sign_in_there(begin(client), "court-eve")).status_code == 303
    changed = users.find_subject("court-eve")
    assert changed is not None
    assert changed.grants == ()
    answer = come_back(client, sign_in_there(begin(client), "somebody"))
    assert answer.status_code == 403


def test_roles_by_hand_stay_beside_those_of_groups(house: Harness, issuer: str) -> None:
    configure(house, issuer, oidc_roles="court-staff=staff@harbor/court")
    users, client = Users(house.console.store), house.anonymous()
    come_back(client, sign_in_there(begin(client), "court-eve"))
    admin = house.signed_in(Role.ADMIN, tenant="harbor", name="ada")
    path = "/t/harbor/settings/users/court-eve/roles"
    # What a group has given is no role that an admin could take, or copy by giving another.
    admin.post(path, data={"act": "give", "role": "auditor", "branch": "*"})
    admin.post(path, data={"act": "take", "role": "staff", "branch": "court"})
    eve = users.find("court-eve")
    assert eve is not None
    assert [one.role for one in eve.by_hand] == [Role.AUDITOR]
    assert [one.role for one in eve.by_group] == [Role.STAFF]
    page = admin.get("/t/harbor/settings/users/court-eve").text
    assert (page.count("by their group"), page.count('value="take"')) == (1, 1)
    configure(house, issuer, oidc_roles="others=admin")
    come_back(client, sign_in_there(begin(client), "court-eve"))
    assert [one.role for one in users.find("court-eve").grants] == [Role.AUDITOR]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://id.example", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000/realms/a", True),
        ("http://id.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("ftp://id.example", False),
        ("https://user@id.example", False),
    ],
)
def test_an_issuer_has_tls_or_is_here(address: str, safe: bool) -> None:
    assert is_safe(address) is safe
    settings = ServiceSettings.model_validate(settings_for(address))
    if safe:
        assert read_provider_settings(settings) is not None
    else:
        with pytest.raises(SettingsError):
            read_provider_settings(settings)


@pytest.mark.parametrize("roles", ["nonsense", "=staff", "group=king", "group=staff@a b"])
def test_a_wrong_mapping_is_refused_at_the_start(roles: str) -> None:
    settings = ServiceSettings.model_validate(settings_for("https://id.example", oidc_roles=roles))
    with pytest.raises(SettingsError):
        read_provider_settings(settings)


# A provider that lies.

Sign = Callable[[dict[str, Any]], str]


class Liar:
    """Answers with whatever token a test has made."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.token = ""
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                liar.answer(self, liar.describe(self.path))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                liar.answer(self, {"id_token": liar.token, "access_token": "a"})

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def describe(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        ends = ("authorization_endpoint", "token_endpoint")
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | {
            one: f"{self.issuer}/{one}" for one in ends
        }

    @staticmethod
    def answer(handler: BaseHTTPRequestHandler, told: dict[str, Any]) -> None:
        body = orjson.dumps(told)
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def claims(self, **changed: Any) -> dict[str, Any]:
        at = int(time.time())
        known = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "s", "nonce": "n", "iat": at}
        return {**known, "exp": at + 60, **changed}

    def sign(self, claims: dict[str, Any], key: Any = None, alg: str = "RS256") -> str:
        return jwt.encode({"alg": alg, "kid": "k1"}, claims, key or self.key, algorithms=[alg])


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    made = Liar()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def redeem(liar: Liar) -> Any:
    settings = read_provider_settings(ServiceSettings.model_validate(settings_for(liar.issuer)))
    assert settings is not None
    return IdentityProvider(settings, CALLBACK).redeem("code", "n", "v", datetime.now(UTC))


def test_an_honest_token_is_believed(liar: Liar) -> None:
    liar.token = liar.sign(liar.claims(aud=[CLIENT_ID, "other"], azp=CLIENT_ID))
    assert redeem(liar).subject == "s"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": None},
        {"exp": 1},
        {"exp": "never"},
        {"exp": None},
        {"iat": 10**11},
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 300},
    ],
    ids=str,
)
def test_a_token_for_something_else_is_refused(liar: Liar, changed: dict[str, Any]) -> None:
    liar.token = liar.sign(liar.claims(**changed))
    with pytest.raises(ProviderError):
        redeem(liar)


def test_a_token_without_a_signature_of_its_keys_is_refused(liar: Liar) -> None:
    def part(told: Any) -> str:
        return jwt_part(orjson.dumps(told))

    claims = liar.claims()
    unsigned = f"{part({'alg': 'none'})}.{part(claims)}."
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    by_secret = liar.sign(claims, OctKey.import_key(SECRET), "HS256")
    changed = liar.sign(claims).rsplit(".", 1)[0] + "."
    for token in (unsigned, by_secret, liar.sign(claims, other), changed, "", "a.b.c"):
        liar.token = token
        with pytest.raises(ProviderError) as raised:
            redeem(liar)
        assert not token or token not in str(raised.value)


def jwt_part(told: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()
