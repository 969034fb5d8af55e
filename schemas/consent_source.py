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
    """A form whose tenant has verified the number."""
    WEB_FORM = "web_form"
    """A form that anybody may fill in: it only leads to an opt-in request."""
    IMPORT = "import"
    """A list of consents that a tenant has collected before."""
    MANUAL = "manual"
    """Staff, by name."""
