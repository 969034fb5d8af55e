"""What people mean by what they write back: keywords, and revocation in other words."""

from schemas.keywords import Meaning
from streams.inbound_keywords.classify import Classification, apply_carrier_opt_out, classify_reply

__all__ = ["Classification", "Meaning", "apply_carrier_opt_out", "classify_reply"]
