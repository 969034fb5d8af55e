"""Keep each conversation between a tenant and a number."""

from __future__ import annotations

from datetime import datetime

from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult


def threads(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    return NO_CHANGE


def threads_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return NO_CHANGE
