"""Moved to `schemas.dead_letter`; goes when its last importer has followed."""

from schemas.dead_letter import LetterAction as LetterAction
from schemas.dead_letter import LetterResolution as LetterResolution
