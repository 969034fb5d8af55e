"""Moved to `schemas.inbound`; goes when its last importer has followed."""

from schemas.inbound import Reply as Reply
