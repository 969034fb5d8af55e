"""Where a consent event comes from: what the gate, the audit and the metrics tell apart.

On the wire a source is any text, for a tenant may name one of its own (`paper`); it is judged like `manual`."""

from __future__ import annotations

from enum import StrEnum


class ConsentSource(StrEnum):
    INBOUND = "inbound"
    """A text from the number itself.  Only the inbox says so."""
    CARRIER = "carrier"
    """The provider's or carrier's own list of STOPs."""
    FORM = "form"
    """A form whose tenant confirms that the number is the person's own: by proof, or in person."""
    WEB_FORM = "web_form"
    """A form where anybody may have typed the number.  It is no consent: the gate sends an opt-in request first."""
    IMPORT = "import"
    """A list of consents that a tenant has collected before."""
    MANUAL = "manual"
    """Staff, by name."""
