"""A number's consent: what is on record, the consent log with its Kafka offsets, and the proof made
of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from schemas.numbers import e164
from schemas.text_hash import sha256_hex
from schemas.topics import CONSENT_LOG
from services.ledger.ledger import Ledger


class ConsentRecord(NamedTuple):
    """Everything that is on record, oldest first."""

    tenant: str
    number: str
    status: dict[str, Any] | None
    """None: nothing was ever decided."""
    log: tuple[dict[str, Any], ...]
    claims: tuple[dict[str, Any], ...]
    """Claims that the gate has not processed yet are here, and not in `log`."""
    replies: tuple[dict[str, Any], ...]


def read_consent(
    ledger: Ledger, number: str, tenant: str | None = None
) -> tuple[ConsentRecord, ...]:
    """One for each tenant that knows the number."""
    number = e164(number)
    names = ("consent_events", "consent_log", "consent_status", "replies")
    union = " UNION ".join(f"SELECT tenant FROM {name} WHERE number = ?1" for name in names)
    tenants = sorted(row["tenant"] for row in ledger.rows(union, number))
    return tuple(_record(ledger, number, name) for name in tenants if tenant in (None, name))


def _record(ledger: Ledger, number: str, tenant: str) -> ConsentRecord:
    def messages(table: str) -> tuple[dict[str, Any], ...]:
        sql = f"SELECT json FROM {table} WHERE number = ? AND tenant = ? ORDER BY part, off"
        return tuple(json.loads(row["json"]) for row in ledger.rows(sql, number, tenant))

    status = messages("consent_status")
    # A version before kept a chain for each writing of the number: those come first.
    log = """SELECT json FROM consent_log WHERE number = ?1 AND tenant = ?2
        ORDER BY chain = number, chain, part, off"""
    return ConsentRecord(
        tenant,
        number,
        status[0] if status else None,
        tuple(json.loads(row["json"]) for row in ledger.rows(log, number, tenant)),
        messages("consent_events"),
        messages("replies"),
    )


class LogEntry(NamedTuple):
    topic: str
    partition: int
    offset: int
    at_ms: int
    """The record's time, milliseconds since 1970, UTC."""
    entry: dict[str, Any]
    """The record's value, parsed and not changed: its hash can be computed from it."""


class ConsentLog(NamedTuple):
    tenant: str
    number: str
    """As its entries have it: a version before kept a log for each writing of a number."""
    entries: tuple[LogEntry, ...]
    """In the order of the log."""
    status: dict[str, Any] | None
    """As published last."""
    settings: dict[str, Any] | None
    """The tenant's settings, as they are now."""


def read_consent_logs(
    ledger: Ledger, number: str, tenant: str | None = None
) -> tuple[ConsentLog, ...]:
    """One for each tenant that has entries of the number, and for each writing of it."""
    number = e164(number)
    sql = "SELECT DISTINCT tenant, chain FROM consent_log WHERE number = ?"
    found = [(row["tenant"], row["chain"]) for row in ledger.rows(sql, number)]
    chains = sorted(found, key=lambda one: (one[0], one[1] == number, one[1]))
    return tuple(
        _log(ledger, number, name, chain) for name, chain in chains if tenant in (None, name)
    )


def _log(ledger: Ledger, number: str, tenant: str, chain: str) -> ConsentLog:
    sql = """SELECT part, off, at_ms, json FROM consent_log
        WHERE number = ? AND tenant = ? AND chain = ? ORDER BY part, off"""
    entries = tuple(
        LogEntry(CONSENT_LOG.name, row["part"], row["off"], row["at_ms"], json.loads(row["json"]))
        for row in ledger.rows(sql, number, tenant, chain)
    )
    status = "SELECT json FROM consent_status WHERE number = ? AND tenant = ?"
    settings = "SELECT json FROM tenants WHERE tenant = ?"
    return ConsentLog(
        tenant,
        chain,
        entries,
        _first_json(ledger.rows(status, number, tenant)),
        _first_json(ledger.rows(settings, tenant)),
    )


def _first_json(rows: list[Any]) -> dict[str, Any] | None:
    return json.loads(rows[0]["json"]) if rows else None


# The proof: one JSON document for somebody who does not trust us.

PROOF_FORMAT: Final = "sayso.consent-proof.v1"


def build_proof(logs: Iterable[ConsentLog], number: str, now: datetime) -> dict[str, Any]:
    return {
        "format": PROOF_FORMAT,
        "made_at": now.isoformat(),
        "number": number,
        "chains": [_build_chain(log) for log in logs],
    }


def _build_chain(log: ConsentLog) -> dict[str, Any]:
    """`status` and `settings` are not part of the hash chain: they were published on topics of
    their own. `head` and `wordings` can be derived from the entries, and are checked against them.
    """
    entries = [one.entry for one in log.entries]
    return {
        "tenant": log.tenant,
        "number": log.number,
        "head": find_head(entries),
        "entries": [_build_entry(one) for one in log.entries],
        "wordings": list_wordings(entries),
        "status": log.status,
        "settings": log.settings,
    }


def _build_entry(one: LogEntry) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "appended_at": datetime.fromtimestamp(one.at_ms / 1000, UTC).isoformat(),
        "entry": one.entry,
    }


def find_head(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The end of the chain: the entry with the highest number."""
    numbered = [entry for entry in entries if type(entry.get("seq")) is int]
    last = max(numbered, key=lambda entry: int(entry["seq"]), default=None)
    return {"seq": last["seq"], "hash": last.get("hash")} if last else None


def list_wordings(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each wording that a person was shown, once, with the entries that have it as evidence."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        evidence = entry.get("evidence")
        evidence = evidence if isinstance(evidence, dict) else {}
        text = evidence.get("wording")
        version = evidence.get("wording_version")
        if not isinstance(text, str) and version is None:
            continue
        shown = {"version": version}
        if isinstance(text, str):
            shown |= {"sha256": sha256_hex(text), "text": text}
        wording = found.setdefault((str(version), str(text)), shown | {"entries": []})
        if entry.get("seq") not in wording["entries"]:
            wording["entries"].append(entry.get("seq"))
    return list(found.values())
