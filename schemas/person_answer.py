"""Moved to `schemas.person`; goes when its last importer has followed."""

from schemas.person import PersonAnswer as PersonAnswer
