"""Moved to `schemas.outcome`; goes when its last importer has followed."""

from schemas.outcome import Alert as Alert
from schemas.outcome import Urgency as Urgency
