"""Moved to `schemas.consent`; goes when its last importer has followed."""

from schemas.consent import ConsentState as ConsentState
from schemas.consent import ConsentStatus as ConsentStatus
