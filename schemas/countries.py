"""Countries and territories by their ISO 3166 code, as phone numbers know them."""

from __future__ import annotations

from typing import Final

from phonenumbers import SUPPORTED_REGIONS

_MEANT: Final = {
    "UK": "GB",
    "USA": "US",
    "CAN": "CA",
    "MEX": "MX",
    "GBR": "GB",
    "UNITED STATES": "US",
    "CANADA": "CA",
    "MEXICO": "MX",
    "EL": "GR",
}
"""What people write for a code."""


def require_country(code: str) -> str:
    """Raises ValueError, with the code that it may have meant."""
    if code in SUPPORTED_REGIONS:
        return code
    written = code.strip().upper()
    meant = _MEANT.get(written, written)
    hint = f"did you mean {meant}?" if meant in SUPPORTED_REGIONS else "write it as US"
    raise ValueError(f"{code[:80]!r} is no country by its ISO 3166 code: {hint}")
