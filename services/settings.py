"""Settings of a process, from environment variables. A secret may be in a file instead, which
`NAME_FILE` names: containers show their environment to whoever may look at them. Secrets come from
nowhere else and are in no repr."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

VARIABLES: Final = {
    "state": "SAYSO_STATE",
    "ledger_url": "SAYSO_LEDGER_URL",
    "bootstrap": "SAYSO_BOOTSTRAP",
    "partitions": "SAYSO_PARTITIONS",
    "replication": "SAYSO_REPLICATION",
    "public_url": "SAYSO_PUBLIC_URL",
    "webhook_port": "SAYSO_WEBHOOK_PORT",
    "console_port": "SAYSO_CONSOLE_PORT",
    "console_url": "SAYSO_CONSOLE_URL",
    "oidc_issuer": "SAYSO_OIDC_ISSUER",
    "oidc_client_id": "SAYSO_OIDC_CLIENT_ID",
    "oidc_client_secret": "SAYSO_OIDC_CLIENT_SECRET",
    "oidc_groups_claim": "SAYSO_OIDC_GROUPS_CLAIM",
    "oidc_roles": "SAYSO_OIDC_ROLES",
    "console_proxies": "SAYSO_CONSOLE_PROXIES",
    "provider": "SAYSO_PROVIDER",
    "provider_url": "SAYSO_PROVIDER_URL",
    "account_sid": "TWILIO_ACCOUNT_SID",
    "auth_token": "TWILIO_AUTH_TOKEN",
    "session_timeout": "SAYSO_SESSION_TIMEOUT",
    "tick": "SAYSO_TICK",
    "provider_timeout": "SAYSO_PROVIDER_TIMEOUT",
    "provider_concurrency": "SAYSO_PROVIDER_CONCURRENCY",
    "metrics_host": "SAYSO_METRICS_HOST",
    "metrics_port": "SAYSO_METRICS_PORT",
    "metrics_port_file": "SAYSO_METRICS_PORT_FILE",
    "brake": "SAYSO_BRAKE",
    "accept_loss": "SAYSO_ACCEPT_LOSS",
    "accept_dead_letters": "SAYSO_ACCEPT_DEAD_LETTERS",
    "account_pace": "SAYSO_ACCOUNT_PACE",
    "support_address": "SAYSO_SUPPORT_ADDRESS",
    "smtp_url": "SAYSO_SMTP_URL",
    "mail_from": "SAYSO_MAIL_FROM",
    "returned_mail_port": "SAYSO_RETURNED_MAIL_PORT",
    "webhooks_allow_private": "SAYSO_WEBHOOKS_ALLOW_PRIVATE",
    "kafka_security": "SAYSO_KAFKA_SECURITY",
    "kafka_sasl_mechanism": "SAYSO_KAFKA_SASL_MECHANISM",
    "kafka_user": "SAYSO_KAFKA_USER",
    "kafka_password": "SAYSO_KAFKA_PASSWORD",
    "kafka_ca": "SAYSO_KAFKA_CA",
    "kafka_cert": "SAYSO_KAFKA_CERT",
    "kafka_key": "SAYSO_KAFKA_KEY",
    "kafka_wait": "SAYSO_KAFKA_WAIT",
}

Security = Annotated[
    Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"], BeforeValidator(str.lower)
]
Mechanism = Annotated[
    Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"], BeforeValidator(str.upper)
]
Losses = Annotated[
    frozenset[str], BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text)
]


def _read_networks(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return tuple(ip_network(one.strip(), strict=False) for one in given.split(","))
    except ValueError:
        raise ValueError(
            f"{given!r} is no list of addresses such as 10.0.0.1,10.1.0.0/16"
        ) from None


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_read_networks)]

_WHOLE: Final = re.compile(r"[0-9]+")
_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def _require(form: re.Pattern[str], words: str) -> Callable[[Any], Any]:
    """A variable is text: `1_000`, `0x10`, `1e3` and `inf` are numbers to Python, and to nobody
    who sets one."""

    def check(given: Any) -> Any:
        if isinstance(given, str) and form.fullmatch(given.strip()) is None:
            raise ValueError(f"{given!r} is not {words}")
        return given

    return check


Count = Annotated[int, BeforeValidator(_require(_WHOLE, "a whole number, in digits"))]
Decimal = Annotated[float, BeforeValidator(_require(_DECIMAL, "a number such as 10 or 0.5"))]


MAX_SECRET: Final = 16 << 10
"""Bytes of a file with a secret. The longest are addresses and tokens of a few hundred."""


class SettingsError(Exception):
    """One sentence: which variable is wrong, and what to write."""


class ServiceSettings(BaseModel):
    """Times in seconds."""

    model_config = ConfigDict(frozen=True)

    state: Path = Path(".sayso")
    ledger_url: SecretStr = SecretStr("")
    """`postgresql://user:password@host/database`. Empty: the ledger is a file in the state
    folder."""
    bootstrap: str | None = None
    """host:port of a Kafka broker. None: the embedded broker of this state folder."""
    partitions: Count = Field(default=12, ge=1, le=1000)
    replication: Count = Field(default=3, ge=1)
    public_url: str = "http://127.0.0.1:8410"
    webhook_port: Count = Field(default=8410, ge=0, le=65535)
    console_port: Count = Field(default=8430, ge=0, le=65535)
    console_url: str = ""
    """How browsers write the console's address. Empty: this machine's, for its own browsers."""
    console_proxies: Networks = ()
    """Addresses and networks of the proxies before the console, separated by commas. What they say
    of the visitor's address (X-Forwarded-For) is believed. Empty: nobody's word is."""
    oidc_issuer: str = ""
    """The address of an OpenID Connect provider. Empty: people sign in with a password or a
    link."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_groups_claim: str = "groups"
    """The claim that lists somebody's groups."""
    oidc_roles: str = ""
    """`GROUP=ROLE@TENANT/BRANCH`, with commas. Empty: roles are given in Sayso."""
    provider: str = "twilio"
    """A name in `services.providers.PROVIDERS`."""
    provider_url: str | None = None
    """The base URL of something that speaks the provider's API, such as the simulator. None: the
    provider itself."""
    account_sid: str = ""
    auth_token: SecretStr = SecretStr("")
    session_timeout: Decimal = Field(default=15.0, ge=1)
    tick: Decimal = Field(default=0.05, ge=0, le=1)
    provider_timeout: Decimal = Field(default=10.0, gt=0)
    provider_concurrency: Count = Field(default=64, ge=1)
    metrics_host: str = "127.0.0.1"
    metrics_port: Count | None = Field(default=None, ge=0, le=65535)
    """Where a process answers /live, /ready and /metrics. None: nowhere; 0: any free port."""
    metrics_port_file: Path | None = None
    """The port is written here, for those who asked for any."""
    brake: Decimal = Field(default=0.5, ge=0, le=1)
    """The share of a topic's records that may be dead letters before its partition stands still.
    1: it never does."""
    accept_loss: Losses = frozenset()
    """Lost records, named as by the worker that refused to start. It continues after these, and no
    others."""
    accept_dead_letters: Losses = frozenset()
    """Where topics stand still, named as the log and `sayso dlq list` do. They go on there, and
    what cannot be read becomes dead letters."""
    account_pace: Decimal | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Segments per second of all senders together. None: only each sender's own limit."""
    support_address: str = ""
    """Where `sayso escalate` sends its bundle."""
    smtp_url: SecretStr = SecretStr("")
    """`smtp://user:password@host:587`, or `smtps://` for TLS from the start."""
    mail_from: str = ""
    """The sender of our mails. Empty: the support address."""
    returned_mail_port: Count | None = Field(default=None, ge=0, le=65535)
    """Where notify takes mail that comes back to `mail_from`. None: nowhere."""
    webhooks_allow_private: bool = False
    """Event webhooks may go to loopback and private networks, and without TLS: for tests and
    laptops."""
    kafka_security: Security = "plaintext"
    """How the listener at `bootstrap` is secured. `services.kafka.security` checks what belongs
    together."""
    kafka_sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca: Path | None = None
    """PEM file with the authorities of the brokers' certificates. None: those that this machine
    trusts."""
    kafka_cert: Path | None = None
    """Our certificate, for brokers that ask for one. The key is in the same PEM file or in
    `kafka_key`."""
    kafka_key: Path | None = None

    kafka_wait: Decimal = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Seconds for which a process that starts waits for a broker that does not answer. 0: it ends
    at once, and its supervisor starts it again."""

    @property
    def required_bootstrap(self) -> str:
        """For a process that cannot run without. Raises SettingsError."""
        if self.bootstrap is None:
            raise SettingsError("SAYSO_BOOTSTRAP is not set: write the host:port of a Kafka broker")
        return self.bootstrap


SECRETS: Final = {
    name: f"{name}_FILE"
    for field, name in VARIABLES.items()
    if ServiceSettings.model_fields[field].annotation is SecretStr
}
"""The variables whose value may be in a file, and the variables that name it."""


def from_environment(environment: Mapping[str, str] | None = None) -> ServiceSettings:
    """Raises SettingsError."""
    environment = os.environ if environment is None else environment
    written = {**environment, **_read_secrets(environment)}
    given = {field: written[name] for field, name in VARIABLES.items() if written.get(name)}
    try:
        return ServiceSettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{VARIABLES[str(first['loc'][0])]} is wrong: {first['msg']}") from None


def _read_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """By variable, what stands in the files that are named. Raises SettingsError."""
    found = {}
    for name, file_name in SECRETS.items():
        if path := environment.get(file_name):
            if environment.get(name):
                raise SettingsError(f"{name} and {file_name} are both set: keep one of them")
            found[name] = _read_secret(file_name, Path(path))
    return found


def _read_secret(variable: str, path: Path) -> str:
    """One line: editors end it with a line break that is no part of the secret. What the file holds
    is in no message."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET + 1)
        text = content.decode().rstrip("\r\n")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SettingsError(f"{variable} cannot be read: {path}: {why}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{variable} names a file that is no text: {path}") from None
    if not text.strip():
        raise SettingsError(f"{variable} names a file that is empty: {path}")
    if len(content) > MAX_SECRET or not text.isprintable():
        raise SettingsError(f"{variable} names a file that is more than one line of text: {path}")
    return text
