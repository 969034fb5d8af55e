"""Why a ledger cannot be used."""

from __future__ import annotations


class LedgerUnusable(Exception):
    """One sentence: what its file, its disk or its server refused, and what to do."""


class LedgerRebuilt(Exception):
    """Another process has rebuilt the ledger, or has written the same partitions: read the
    positions again and go on."""
