"""The gate: may this be sent, now?  Consent, held requests and the rules, for one number of one
tenant."""

from streams.gate.number_moves import is_former_key
from streams.gate.processor import gate, gate_on_timer

__all__ = ["gate", "gate_on_timer", "is_former_key"]
