"""What do people mean by what they write back?  Keywords, and revocation in other words."""

from schemas.keywords import Meaning
from streams.inbound_keywords.read import Answered, as_the_carrier, read_answer

__all__ = ["Answered", "Meaning", "as_the_carrier", "read_answer"]
