"""Moved to `schemas.send`; goes when its last importer has followed."""

from schemas.send import Returned as Returned
