"""Moved to `schemas.approval`; goes when its last importer has followed."""

from schemas.approval import ApprovalAnswer as ApprovalAnswer
