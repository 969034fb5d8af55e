"""The proof of a number's consent, to hand to somebody who does not trust us: everything in one JSON document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from services.ledger.consent_log import Entry, Log

FORMAT: Final = "sayso.consent-proof.v1"


def proof(logs: Iterable[Log], number: str, now: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "number": number,
        "chains": [_chain(log) for log in logs],
    }


def _chain(log: Log) -> dict[str, Any]:
    """`status` was published apart from the log and names one of its entries; it and `settings` are not part of the
    chain, and what can be derived from the entries (`head`, `wordings`) is checked against them."""
    entries = [one.entry for one in log.entries]
    return {
        "tenant": log.tenant,
        "number": log.number,
        "head": head(entries),
        "entries": [_placed(one) for one in log.entries],
        "wordings": wordings(entries),
        "status": log.status,
        "settings": log.settings,
    }


def _placed(one: Entry) -> dict[str, Any]:
    appended = datetime.fromtimestamp(one.at_ms / 1000, UTC).isoformat()
    return {
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "appended_at": appended,
        "entry": one.entry,
    }


def head(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Where the chain ends: the entry with the highest place."""
    placed = [entry for entry in entries if type(entry.get("seq")) is int]
    last = max(placed, key=lambda entry: int(entry["seq"]), default=None)
    return {"seq": last["seq"], "hash": last.get("hash")} if last else None


def wordings(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every wording that somebody was shown, once, with the entries it is evidence in."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        evidence = entry.get("evidence")
        said = evidence if isinstance(evidence, dict) else {}
        text, version = said.get("wording"), said.get("wording_version")
        if not isinstance(text, str) and version is None:
            continue
        one = {"version": version}
        if isinstance(text, str):
            one |= {
                "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
                "text": text,
            }
        wording = found.setdefault((str(version), str(text)), one | {"entries": []})
        if entry.get("seq") not in wording["entries"]:
            wording["entries"].append(entry.get("seq"))
    return list(found.values())
