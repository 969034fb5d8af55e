"""Send one mail through the server of the settings."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from pydantic import SecretStr

PORTS: Final = {"smtp": 587, "smtps": 465}
"""By scheme: `smtps` is encrypted from the start, `smtp` as soon as the server offers it (RFC 8314,
RFC 3207)."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
TIMEOUT: Final = 30.0
"""Seconds, for each step of the exchange."""
FAREWELL: Final = 5.0
"""Seconds for a polite end, when all that matters is done."""
DOMAIN: Final = "sayso.invalid"
"""Of Message-IDs: no mail goes there (RFC 2606)."""


class MailError(Exception):
    """One sentence, without the password."""


class MailRefused(MailError):
    """The server refuses this mail for good, or the mail cannot be addressed."""

    def __init__(self, sentence: str, code: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        """The server's reply code (RFC 5321)."""


class MailDeferred(MailError):
    """It may be taken later."""

    def __init__(self, sentence: str, *, is_about_mail: bool = False) -> None:
        super().__init__(sentence)
        self.is_about_mail = is_about_mail
        """The server is well, and puts off this one mail: a full mailbox, a first sight."""


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
    """Returns when the server has accepted it. Raises MailError.

    For callers outside of an event loop."""
    asyncio.run(deliver(server, build_message(mail)))


async def deliver(server: Server, message: EmailMessage) -> None:
    """Returns when the server has accepted it: what comes after that changes nothing.

    Raises MailRefused, or MailDeferred for whatever another try may mend. That a password or our
    own address is wrong is no fault of a mail, so that is not final."""
    where = f"{server.host}:{server.port}"
    try:
        await _exchange(server, message)
    except SMTPRecipientsRefused as refused:
        said = f"The mail server {where} does not take mail for {message['To']}"
        raise _judge_reply(said, refused.recipients[0].code) from None
    except SMTPDataError as error:
        raise _judge_reply(f"The mail server {where} did not take it", error.code) from None
    except SMTPAuthenticationError:
        raise MailDeferred(
            f"The mail server {where} does not accept the user name and password"
        ) from None
    except SMTPNotSupported:
        raise MailRefused(
            f"The mail server {where} takes no addresses with such letters: {message['To']}"
        ) from None
    except UnicodeError:
        raise MailDeferred(f"{server.host} cannot be the name of a mail server") from None
    except (SMTPException, OSError) as error:
        raise MailDeferred(f"The mail server {where} did not take it: {_describe(error)}") from None
    except ValueError as error:
        raise MailRefused(f"The mail cannot be addressed: {error}") from None


async def _exchange(server: Server, message: EmailMessage) -> None:
    is_encrypted_first = server.scheme == "smtps"
    client = SMTP(
        hostname=server.host,
        port=server.port,
        timeout=TIMEOUT,
        use_tls=is_encrypted_first,
        start_tls=False,
        tls_context=_tls_context() if is_encrypted_first else None,
    )
    try:
        await client.connect()
        encrypted = is_encrypted_first or await _start_tls(client)
        await _log_in(client, server, encrypted)
        await client.send_message(message)
        with suppress(SMTPException, OSError):
            await client.quit(timeout=FAREWELL)
    finally:
        client.close()


async def _start_tls(client: SMTP) -> bool:
    await client.ehlo()
    if not client.supports_extension("starttls"):
        return False
    await client.starttls(tls_context=_tls_context())
    return True


@cache
def _tls_context() -> ssl.SSLContext:
    """It takes longer to build than a mail to send."""
    return ssl.create_default_context()


async def _log_in(client: SMTP, server: Server, encrypted: bool) -> None:
    """A password is never sent unencrypted over a network."""
    if not server.user:
        return
    if not encrypted and server.host not in LOOPBACK:
        raise MailDeferred(
            f"The mail server {server.host} offers no encryption, so it does not get the password"
        )
    if not (server.user + server.password.get_secret_value()).isascii():
        raise MailDeferred(
            "The user name and the password of a mail server can have ASCII letters only"
        )
    await client.login(server.user, server.password.get_secret_value())


def _judge_reply(said: str, code: int) -> MailError:
    """5yz is final, anything else is not (RFC 5321 section 4.2.1)."""
    if 500 <= code <= 599:
        return MailRefused(f"{said}: {code}", code)
    return MailDeferred(f"{said} now: {code}", is_about_mail=True)


def _describe(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__


def build_message(mail: Mail) -> EmailMessage:
    """Raises MailRefused for an invalid address."""
    message = EmailMessage()
    try:
        message["From"] = mail.sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
    except ValueError as error:
        raise MailRefused(f"The mail cannot be addressed: {error}") from None
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=DOMAIN)
    message.set_content(mail.body)
    for name, text in mail.attachments.items():
        message.add_attachment(text.encode(), maintype="application", subtype="json", filename=name)
    return message
