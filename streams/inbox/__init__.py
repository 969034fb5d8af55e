"""Whose reply is this?  Who texted a number from a sender, and what that number says back."""

from streams.inbox.room import inbox, inbox_woke

__all__ = ["inbox", "inbox_woke"]
