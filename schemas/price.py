"""Moved to `schemas.tenant_settings`; goes when its last importer has followed."""

from schemas.tenant_settings import Price as Price
