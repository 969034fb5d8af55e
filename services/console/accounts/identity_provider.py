"""OpenID Connect: what we ask the identity provider, and what we believe of its answer.

The authorization code flow with PKCE (S256). Everything is looked up in the provider's own
description; a token counts only with its signature, for us, in its time, and for this attempt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import SecretStr

from services.console.accounts.role_text import parse_grant
from services.console.accounts.users import UsersError
from services.console.viewer import Grant
from services.settings import ServiceSettings, SettingsError

TIMEOUT: Final = 10.0
"""Seconds for one answer of the provider."""
MAX_ANSWER: Final = 1 << 20
"""Bytes."""
LEEWAY: Final = 60
"""Seconds that the provider's clock may differ from ours."""
KEPT: Final = 600.0
"""Seconds that its description and its keys are used before they are read again."""
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "EdDSA",
)
"""By key pairs only: neither `none`, nor a secret that both sides know."""


class ProviderError(Exception):
    """The provider did not answer, or its answer cannot be believed. Without tokens and names."""


class Person(NamedTuple):
    """Who has signed in there."""

    subject: str
    user_name: str
    display_name: str
    groups: frozenset[str]


class ProviderSettings(NamedTuple):
    issuer: str
    client_id: str
    client_secret: SecretStr
    groups_claim: str
    roles: Mapping[str, tuple[Grant, ...]]
    """By group. Empty: roles are given by hand."""


def read_provider_settings(settings: ServiceSettings) -> ProviderSettings | None:
    """None: nobody signs in that way. Raises SettingsError."""
    if not settings.oidc_issuer:
        return None
    if not is_safe(settings.oidc_issuer):
        raise SettingsError("SAYSO_OIDC_ISSUER is wrong: write an https address without a query")
    if not settings.oidc_client_id or not settings.oidc_client_secret.get_secret_value():
        raise SettingsError("SAYSO_OIDC_ISSUER needs SAYSO_OIDC_CLIENT_ID and _CLIENT_SECRET")
    roles: dict[str, tuple[Grant, ...]] = {}
    for pair in filter(None, map(str.strip, settings.oidc_roles.split(","))):
        group, _, role = pair.rpartition("=")
        try:
            roles[group.strip()] = (*roles.get(group.strip(), ()), parse_grant(role))
        except UsersError as error:
            raise SettingsError(f"SAYSO_OIDC_ROLES is wrong: {error}") from None
        if not group.strip():
            raise SettingsError("SAYSO_OIDC_ROLES is wrong: write GROUP=ROLE@TENANT, with commas")
    return ProviderSettings(
        settings.oidc_issuer.rstrip("/"),
        settings.oidc_client_id,
        settings.oidc_client_secret,
        settings.oidc_groups_claim,
        roles,
    )


def is_safe(address: str) -> bool:
    """By TLS, or on this machine."""
    parts = urlsplit(address)
    if parts.query or parts.fragment or not parts.hostname or parts.username:
        return False
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.scheme == "http" and parts.hostname == "localhost"


class IdentityProvider:
    def __init__(self, settings: ProviderSettings, redirect_uri: str) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._description: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes. Raises ProviderError."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def redeem(self, code: str, nonce: str, verifier: str, now: datetime) -> Person:
        """Who came back with this code. Raises ProviderError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        secret = self._settings.client_secret.get_secret_value()
        endpoint = self._endpoint("token_endpoint")
        auth = (self._settings.client_id, secret)
        answer = _ask("POST", endpoint, data=form, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderError("the provider sent no id token")
        return self._read_person(self._verify(token, nonce, now))

    def _verify(self, token: str, nonce: str, now: datetime) -> Mapping[str, Any]:
        try:
            try:
                claims = jwt.decode(token, self._read_keys(), algorithms=list(ALGORITHMS)).claims
            except (JoseError, ValueError):
                # Its keys may have changed since.
                self._keys = None
                claims = jwt.decode(token, self._read_keys(), algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            kind = type(error).__name__
            raise ProviderError(f"the id token cannot be verified ({kind})") from None
        self._check(claims, nonce, now.timestamp())
        return claims

    def _check(self, claims: Mapping[str, Any], nonce: str, at: float) -> None:
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        client_id = self._settings.client_id
        expires, issued = claims.get("exp"), claims.get("iat")
        checks = {
            "iss": claims.get("iss") == self._description_now()["issuer"],
            "aud": client_id in named,
            "azp": len(named) == 1 or claims.get("azp") == client_id,
            "exp": isinstance(expires, int | float) and at < expires + LEEWAY,
            "iat": isinstance(issued, int | float) and issued < at + LEEWAY,
            "nonce": hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()),
            "sub": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,
        }
        wrong = [name for name, holds in checks.items() if not holds]
        if wrong:
            raise ProviderError(f"the id token is not for this sign-in: {', '.join(wrong)}")

    def _read_person(self, claims: Mapping[str, Any]) -> Person:
        def text(*names: str) -> str:
            found = (claims.get(name) for name in names)
            return next((one for one in found if isinstance(one, str) and one), "")

        groups = claims.get(self._settings.groups_claim)
        known = [one for one in groups if isinstance(one, str)] if isinstance(groups, list) else []
        return Person(
            claims["sub"],
            text("preferred_username", "email").lower(),
            text("name", "preferred_username", "email"),
            frozenset(known),
        )

    def _endpoint(self, name: str) -> str:
        address = self._description_now().get(name)
        parts = urlsplit(address) if isinstance(address, str) else None
        if parts is None or not is_safe(parts._replace(query="").geturl()):
            raise ProviderError(f"the provider has no safe {name}")
        return str(address)

    def _description_now(self) -> Mapping[str, Any]:
        at = time.monotonic()
        if self._description is None or at - self._description[0] > KEPT:
            issuer = self._settings.issuer
            found = _ask("GET", f"{issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != issuer:
                raise ProviderError("the provider says that it is another one")
            self._description = (at, found)
        return self._description[1]

    def _read_keys(self) -> KeySet:
        at = time.monotonic()
        if self._keys is None or at - self._keys[0] > KEPT:
            found: Any = _ask("GET", self._endpoint("jwks_uri"))
            try:
                self._keys = (at, KeySet.import_key_set(found))
            except (JoseError, ValueError, KeyError, TypeError):
                raise ProviderError("the provider's keys cannot be read") from None
        return self._keys[1]


def _ask(method: str, address: str, **more: Any) -> dict[str, Any]:
    """Raises ProviderError. Follows no redirect: the provider's description says where."""
    headers = {"Accept": "application/json"}
    try:
        with httpx2.Client(timeout=TIMEOUT, follow_redirects=False) as http:
            answer = http.request(method, address, headers=headers, **more)
        if answer.status_code != 200 or len(answer.content) > MAX_ANSWER:
            raise ProviderError(f"the provider answered {answer.status_code}")
        found = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise ProviderError(f"the provider did not answer ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise ProviderError("the provider's answer cannot be read")
    return found
