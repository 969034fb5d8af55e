"""Why a ledger cannot be used, or not now."""

from __future__ import annotations


class LedgerError(Exception):
    """One sentence for the person who asked: what is wrong, and what to do."""


class LedgerUnusable(Exception):
    """One sentence: what its file, its disk or its server refused, and what to do."""


class LedgerRebuilt(Exception):
    """Another process has rebuilt the ledger, or has written the same partitions: read the
    positions again and go on."""
