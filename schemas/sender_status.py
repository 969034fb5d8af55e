"""Moved to `schemas.sender`; goes when its last importer has followed."""

from schemas.sender import LaneDepth as LaneDepth
from schemas.sender import SenderError as SenderError
from schemas.sender import SenderState as SenderState
from schemas.sender import SenderStatus as SenderStatus
