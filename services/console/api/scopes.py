"""What a key may do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    MESSAGES_READ = "messages:read"
    """See texts, their states and the senders."""
    MESSAGES_WRITE = "messages:write"
    """Send texts, preview and cancel them."""
    APPROVALS = "approvals"
    """Approve and reject texts that wait for it."""
    CONSENTS = "consents"
    """Report consents, and read them with their history."""
    PEOPLE = "people"
    CASES = "cases"
    THREADS = "threads"
    """Read conversations, and answer."""
    USAGE = "usage"
    """Counts and costs, without numbers and words."""
    EVENT_WEBHOOKS = "event-webhooks"
    """Endpoints that are told of events: see and change them, and replay what they missed."""
