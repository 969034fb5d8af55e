"""What people mean by what they write back: keywords, and revocation in other words."""

from schemas.keywords import Meaning
from streams.inbound_keywords.answers import classify_answer, is_soft_yes
from streams.inbound_keywords.classification import Classification
from streams.inbound_keywords.classify import classify_reply
from streams.inbound_keywords.inbound import classify_inbound, is_carrier_word

__all__ = [
    "Classification",
    "Meaning",
    "classify_answer",
    "classify_inbound",
    "classify_reply",
    "is_carrier_word",
    "is_soft_yes",
]
