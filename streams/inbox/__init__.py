"""Whose reply is this?  Who texted a number from a sender, and what that number says back."""

from streams.inbox.processor import inbox, inbox_woke

__all__ = ["inbox", "inbox_woke"]
