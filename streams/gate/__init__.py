"""May this be sent, now?  Consent, held requests and the rules, for one number of one tenant."""

from streams.gate.processor import gate, gate_woke

__all__ = ["gate", "gate_woke"]
