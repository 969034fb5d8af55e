"""Outcomes, version by version."""

from __future__ import annotations

from typing import Any

from schemas.outcome import Outcome, Was
from schemas.reports import UsageRow
from schemas.tenant_settings import TenantSettings
from schemas.topics import USAGE_REPORT
from streams.processing import build_settings
from streams.usage import usage, usage_on_timer
from tests.core.harness import START, ProcessorHarness

CODE = "72975"


def processor(zone: str = "America/New_York") -> ProcessorHarness:
    acme = TenantSettings(tenant="acme", name="Acme", sender=CODE, time_zone=zone)
    return ProcessorHarness(usage, usage_on_timer, "acme", build_settings({"acme": acme}, {}))


def outcome(state: str, version: int = 1, was: str | None = None, **changed: Any) -> Outcome:
    """`was`: a state, or a state and a code."""
    known: dict[str, Any] = {
        "message_id": "m1",
        "tenant": "acme",
        "branch": "north",
        "sender": CODE,
        "kind": "reminder",
        "requested_at": START,
        "state": state,
        "segments": 2,
        "final": False,
        "version": version,
        "was": None,
        "at": START,
    }
    if was:
        before, _, code = was.partition(" ")
        known["was"] = Was(state=before, error_code=code or None, segments=2)
    return Outcome(**(known | changed))


def report(harness: ProcessorHarness) -> dict[str, UsageRow]:
    """What a reader of the compacted topic has: the last value of each key."""
    return {line.identity: line for line in harness.published_on(USAGE_REPORT)}


def counts(harness: ProcessorHarness) -> dict[str, tuple[int, int]]:
    """`delivered` or `failed 30005`: messages and segments, where there are any."""
    return {
        " ".join(filter(None, (line.state, line.error_code))): (line.messages, line.segments)
        for line in report(harness).values()
        if line.messages or line.segments
    }
