"""Moved to `schemas.consent`; goes when its last importer has followed."""

from schemas.consent import ConsentSource as ConsentSource
