"""Is this request Twilio's?"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from multidict import MultiDict
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

MOST_FIELDS = 200
"""Twilio sends about 30; ten media add 20.  More is somebody's attempt to keep us busy."""


class Signature:
    """Verified with Twilio's own validator over the *configured* public URL: the Host header is the caller's word, and
    behind a proxy scheme and host are not what Twilio signed.  `public_url` is all that stands before `/twilio/...`."""

    def __init__(self, auth_token: SecretStr, public_url: str) -> None:
        parts = urlsplit(public_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{public_url!r} is not a URL such as https://sms.example.com")
        self._validator = RequestValidator(auth_token.get_secret_value())
        self._public_url = public_url.rstrip("/")

    def form(self, target: str, body: bytes, signature: str | None) -> MultiDict[str] | None:
        """The form's fields, blank ones too since they are signed, if Twilio signed them; else None.  `target` is
        path and query as they came over the wire."""
        if not signature or not target.startswith("/"):
            return None
        try:
            fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            return None
        form = MultiDict(fields)
        return form if self._validator.validate(self._public_url + target, form, signature) else None
