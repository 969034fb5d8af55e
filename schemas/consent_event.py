"""Moved to `schemas.consent`; goes when its last importer has followed."""

from schemas.consent import ConsentAction as ConsentAction
from schemas.consent import ConsentEvent as ConsentEvent
