"""Send one mail through the server of the settings."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

PORTS: Final = {"smtp": 587, "smtps": 465}
"""By scheme: `smtps` is encrypted from the start, `smtp` as soon as the server offers it (RFC 8314,
RFC 3207)."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
TIMEOUT: Final = 30.0
"""Seconds, for each step of the exchange."""


class MailError(Exception):
    """One sentence, without the password."""


class Server(NamedTuple):
    scheme: str
    host: str
    port: int
    user: str = ""
    password: SecretStr = SecretStr("")


class Mail(NamedTuple):
    sender: str
    to: str
    subject: str
    body: str
    attachments: dict[str, str] = {}
    """JSON by file name."""


def server_of(url: SecretStr) -> Server:
    """Parse `smtp://user:password@host:587`. Raises MailError."""
    written = _split(url)
    if written.scheme not in PORTS or not written.hostname:
        raise MailError(
            "it must be written as smtp://user:password@host:587, or smtps:// where TLS comes first"
        )
    try:
        port = written.port or PORTS[written.scheme]
    except ValueError:
        raise MailError("its port is no number from 1 to 65535") from None
    password = SecretStr(unquote(written.password or ""))
    return Server(written.scheme, written.hostname, port, unquote(written.username or ""), password)


def _split(url: SecretStr) -> SplitResult:
    try:
        return urlsplit(url.get_secret_value())
    except ValueError:
        raise MailError("it is not an address of a server") from None


def send(server: Server, mail: Mail) -> None:
    """Returns when the server has accepted it. Raises MailError."""
    where = f"{server.host}:{server.port}"
    try:
        with _connect(server) as client:
            encrypted = server.scheme == "smtps" or _start_tls(client)
            _log_in(client, server, encrypted)
            client.send_message(build_message(mail))
    except smtplib.SMTPRecipientsRefused:
        raise MailError(f"The mail server {where} does not take mail for {mail.to}") from None
    except smtplib.SMTPAuthenticationError:
        raise MailError(
            f"The mail server {where} does not accept the user name and password"
        ) from None
    except UnicodeError:
        raise MailError(f"{server.host} cannot be the name of a mail server") from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailError(
            f"The mail server {where} did not take it: {error or type(error).__name__}"
        ) from None


def _connect(server: Server) -> smtplib.SMTP:
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT, context=ssl.create_default_context()
        )
    return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)


def _start_tls(client: smtplib.SMTP) -> bool:
    client.ehlo()
    if not client.has_extn("starttls"):
        return False
    client.starttls(context=ssl.create_default_context())
    return True


def _log_in(client: smtplib.SMTP, server: Server, encrypted: bool) -> None:
    """A password is never sent unencrypted over a network."""
    if not server.user:
        return
    if not encrypted and server.host not in LOOPBACK:
        raise MailError(
            f"The mail server {server.host} offers no encryption, so it does not get the password"
        )
    if not (server.user + server.password.get_secret_value()).isascii():
        raise MailError(
            "The user name and the password of a mail server can have ASCII letters only"
        )
    client.login(server.user, server.password.get_secret_value())


def build_message(mail: Mail) -> EmailMessage:
    """Raises MailError for an invalid address."""
    message = EmailMessage()
    try:
        message["From"] = mail.sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
    except ValueError as error:
        raise MailError(f"The mail cannot be addressed: {error}") from None
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="sayso.invalid")
    message.set_content(mail.body)
    for name, text in mail.attachments.items():
        message.add_attachment(text.encode(), maintype="application", subtype="json", filename=name)
    return message
