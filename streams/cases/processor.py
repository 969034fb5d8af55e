"""Keep each case, and request the texts that its parties are due."""

from __future__ import annotations

from datetime import datetime

from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult


def cases(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    return NO_CHANGE


def cases_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return NO_CHANGE
