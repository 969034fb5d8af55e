"""Moved to `schemas.attempt`; goes when its last importer has followed."""

from schemas.attempt import DeliveryReceipt as DeliveryReceipt
