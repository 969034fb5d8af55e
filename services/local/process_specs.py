"""What `sayso up` and `sayso demo` start, in which order, and what each part is told."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from services.local.supervisor import Part
from services.ports import LOOPBACK, choose_port, is_free

ROOMS = ("outcomes", "usage", "inbox", "dispatch", "gate", "people")
WEBHOOK_PORT = 8410
CONSENTS_PORT = 8420


class Addresses(NamedTuple):
    """`provider` None: Twilio itself."""

    webhook_port: int
    public_url: str
    provider: str | None
    provider_port: int
    journal: Path
    """The simulator's own account of what it was asked, for whoever wants to count."""
    consents_port: int = CONSENTS_PORT


def addresses(state: Path, simulated: bool) -> Addresses:
    """The usual ports, or others where those are taken and nobody outside needs to know them."""
    port = _port("SAYSO_WEBHOOK_PORT", WEBHOOK_PORT, simulated)
    consents = _port("SAYSO_CONSENTS_PORT", CONSENTS_PORT, simulated)
    url = f"http://{LOOPBACK}:{port}" if simulated else os.environ.get("SAYSO_PUBLIC_URL", "")
    provider = choose_port(avoid=port) if simulated else 0
    return Addresses(
        port,
        url,
        f"http://{LOOPBACK}:{provider}" if simulated else None,
        provider,
        state.absolute() / "simulator.jsonl",
        consents,
    )


def _port(variable: str, usual: int, simulated: bool) -> int:
    wanted = int(os.environ.get(variable) or usual)
    usable = wanted != 0 and (not simulated or is_free(wanted))
    return wanted if usable else choose_port(avoid=wanted)


def environment(bootstrap: str, state: Path, where: Addresses) -> dict[str, str]:
    """For every part.  The simulator and those who talk to it share credentials made up for this run."""
    told = {
        "SAYSO_BOOTSTRAP": bootstrap,
        "SAYSO_STATE": str(state.absolute()),
        "SAYSO_PUBLIC_URL": where.public_url,
        "SAYSO_WEBHOOK_PORT": str(where.webhook_port),
        "SAYSO_CONSENTS_PORT": str(where.consents_port),
    }
    if where.provider:
        made_up = {
            "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
            "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        }
        told |= {"SAYSO_PROVIDER_URL": where.provider, **made_up}
    return told


def edges(told: Mapping[str, str], where: Addresses, script: Path | None, seed: int) -> list[Part]:
    """Those who touch the world."""
    doors = [
        Part("webhook", ("services.webhook",), told),
        Part("consents", ("services.consents",), told),
    ]
    if not where.provider:
        return doors
    options = (
        "--port",
        str(where.provider_port),
        "--public-url",
        where.public_url,
        "--log",
        str(where.journal),
        "--seed",
        str(seed),
        *(("--script", str(script)) if script else ()),
    )
    return [
        Part("simulator", ("services.local.simulator", *options), told, "--port-file"),
        *doors,
    ]


def ledger(told: Mapping[str, str]) -> list[Part]:
    return [Part("ledger", ("services.ledger",), told)]


def rooms(told: Mapping[str, str]) -> list[Part]:
    """With a name each that is this state folder's own and stable, so that a room that was started again has its
    partitions back at once."""
    ours = hashlib.sha256(told["SAYSO_STATE"].encode()).hexdigest()[:8]
    return [
        Part(room, ("services.workers", room, "--instance", f"{room}-{ours}"), told)
        for room in ROOMS
    ]
