"""Moved to `schemas.send_request`; goes when its last importer has followed."""

from schemas.send_request import Dismissal as Dismissal
