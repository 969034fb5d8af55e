"""Texts that Sayso starts by itself; no producer can ask for one."""

from __future__ import annotations

from enum import StrEnum


class SystemKind(StrEnum):
    """Kinds besides those of requests: each opens with a decision of the gate, so that the books hold it too."""

    CONSENT_ASK = "consent_ask"
    STOP_CONFIRMATION = "stop_confirmation"
    START_CONFIRMATION = "start_confirmation"
    HELP_ANSWER = "help_answer"
