"""What `sayso up` and `sayso demo` start, in which order, and with which environment."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from services.local.supervisor import ProcessSpec
from services.ports import LOOPBACK, choose_port, is_free
from services.settings import SECRETS

PROCESSORS: Final = (
    "outcomes",
    "usage",
    "inbox",
    "threads",
    "dispatch",
    "gate",
    "people",
    "cases",
)
WEBHOOK_PORT: Final = 8410
CONSOLE_PORT: Final = 8430
MAIL_SERVER: Final = "SAYSO_SMTP_URL"
CAUGHT_FROM: Final = "Sayso <sayso@sayso.invalid>"
"""The sender of mails that are only caught."""


class Addresses(NamedTuple):
    webhook_port: int
    public_url: str
    provider: str | None
    """The simulator's URL. None: Twilio itself."""
    provider_port: int
    journal: Path
    """The simulator's own account of what it was asked, for whoever wants to count."""
    console_port: int = CONSOLE_PORT
    mail_port: int | None = None
    """The mail catcher's. None: a mail server of one's own is named, or nothing is mailed."""


def choose_addresses(state: Path, simulated: bool, invented: bool = False) -> Addresses:
    """The usual ports, or others where those are taken and nobody outside needs to know them.

    `invented`: its tenants are made up, so that no mail about them may leave, whatever mail server
    is named."""
    webhook = _choose("SAYSO_WEBHOOK_PORT", WEBHOOK_PORT, simulated)
    console = _choose("SAYSO_CONSOLE_PORT", CONSOLE_PORT, simulated)
    provider = choose_port(avoid=webhook) if simulated else 0
    public_url = os.environ.get("SAYSO_PUBLIC_URL", "")
    return Addresses(
        webhook,
        f"http://{LOOPBACK}:{webhook}" if simulated else public_url,
        f"http://{LOOPBACK}:{provider}" if simulated else None,
        provider,
        state.absolute() / "simulator.jsonl",
        console,
        choose_port(avoid=provider) if invented or not _has_mail_server(os.environ) else None,
    )


def _has_mail_server(environment: Mapping[str, str]) -> bool:
    return any(environment.get(name) for name in (MAIL_SERVER, SECRETS[MAIL_SERVER]))


def _choose(variable: str, usual: int, simulated: bool) -> int:
    wanted = int(os.environ.get(variable) or usual)
    is_usable = wanted != 0 and (not simulated or is_free(wanted))
    return wanted if is_usable else choose_port(avoid=wanted)


def build_environment(bootstrap: str, state: Path, addresses: Addresses) -> dict[str, str]:
    """For every process. With the simulator, credentials are made up for this run."""
    environment = {
        "SAYSO_BOOTSTRAP": bootstrap,
        "SAYSO_STATE": str(state.absolute()),
        "SAYSO_PUBLIC_URL": addresses.public_url,
        "SAYSO_WEBHOOK_PORT": str(addresses.webhook_port),
        "SAYSO_CONSOLE_PORT": str(addresses.console_port),
    }
    if addresses.mail_port:
        environment |= {
            MAIL_SERVER: f"smtp://{LOOPBACK}:{addresses.mail_port}",
            SECRETS[MAIL_SERVER]: "",
            "SAYSO_MAIL_FROM": os.environ.get("SAYSO_MAIL_FROM") or CAUGHT_FROM,
        }
    if addresses.provider:
        environment |= {
            "SAYSO_PROVIDER_URL": addresses.provider,
            "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
            "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
            SECRETS["TWILIO_AUTH_TOKEN"]: "",
        }
    return environment


def edge_specs(
    environment: Mapping[str, str], addresses: Addresses, script: Path | None, seed: int
) -> list[ProcessSpec]:
    """The processes that touch the world. `script` and `seed` are the simulator's."""
    servers = [
        ProcessSpec("webhook", ("services.webhook",), environment),
        ProcessSpec("console", ("services.console",), environment),
        *_mail_specs(environment, addresses),
    ]
    if not addresses.provider:
        return servers
    options = {
        "--port": str(addresses.provider_port),
        "--public-url": addresses.public_url,
        "--log": str(addresses.journal),
        "--seed": str(seed),
    }
    if script:
        options["--script"] = str(script)
    arguments = [word for option in options.items() for word in option]
    command = ("services.local.simulator", *arguments)
    return [ProcessSpec("simulator", command, environment, "--port-file"), *servers]


def _mail_specs(environment: Mapping[str, str], addresses: Addresses) -> list[ProcessSpec]:
    """Who mails staff, and the catcher unless there is a mail server."""
    specs = []
    if addresses.mail_port:
        command = ("services.local.mail_catcher", "--port", str(addresses.mail_port))
        specs.append(ProcessSpec("mail-catcher", command, environment))
    if _has_mail_server(environment) or _has_mail_server(os.environ):
        command = ("services.notify", "--instance", _instance("notify", environment))
        specs.append(ProcessSpec("notify", command, environment))
    return specs


def ledger_spec(environment: Mapping[str, str]) -> ProcessSpec:
    return ProcessSpec("ledger", ("services.ledger",), environment)


def event_webhooks_spec(environment: Mapping[str, str]) -> ProcessSpec:
    return ProcessSpec("event-webhooks", ("services.event_webhooks",), environment)


def processor_specs(environment: Mapping[str, str]) -> list[ProcessSpec]:
    """One worker for each processor.

    Each has a stable instance name, made from the state folder: so a worker that is restarted gets
    its partitions back at once.
    """
    return [
        ProcessSpec(
            name,
            ("services.workers", name, "--instance", _instance(name, environment)),
            environment,
        )
        for name in PROCESSORS
    ]


def _instance(name: str, environment: Mapping[str, str]) -> str:
    suffix = hashlib.sha256(environment["SAYSO_STATE"].encode()).hexdigest()[:8]
    return f"{name}-{suffix}"
