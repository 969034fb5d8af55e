"""Moved to `schemas.reports`; goes when its last importer has followed."""

from schemas.reports import OtherCost as OtherCost
from schemas.reports import UsageRow as UsageRow
