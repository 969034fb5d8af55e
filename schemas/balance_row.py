"""Moved to `schemas.reports`; goes when its last importer has followed."""

from schemas.reports import BalanceRow as BalanceRow
