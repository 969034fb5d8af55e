"""Moved to `schemas.person`; goes when its last importer has followed."""

from schemas.person import NumberChange as NumberChange
from schemas.person import PersonAction as PersonAction
from schemas.person import PersonEvent as PersonEvent
