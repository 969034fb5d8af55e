"""A real mail server that says what a test wants it to say."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from services.notify import mail

USER, PASSWORD = "sayso", "p@ss/word"


class MailServer:
    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        """What it has taken."""
        self.encrypted: list[bool] = []
        self.logged_in: list[bool] = []
        self.rcpt_replies: list[str] = []
        """To the next recipients, in this order; then it knows everybody."""
        self.replies: dict[str, list[str]] = {}
        """The same, by recipient."""
        self.data_replies: list[str] = []
        """To the next mails; then it takes everything."""
        self.on_taken: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.rcpt_replies:
            return self.rcpt_replies.pop(0)
        if self.replies.get(address):
            return self.replies[address].pop(0)
        if address.startswith("nobody"):
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_replies:
            return self.data_replies.pop(0)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.encrypted.append(
            session.ssl is not None or bool(server.transport.get_extra_info("ssl_object"))
        )
        self.logged_in.append(bool(session.authenticated))
        self.on_taken()
        return "250 taken"

    @property
    def ids(self) -> list[str]:
        return [one["Message-ID"] for one in self.mails]

    @asynccontextmanager
    async def listening(
        self, *, tls: ssl.SSLContext | None = None, smtps: bool = False, **options: Any
    ) -> AsyncIterator[None]:
        """On the port that it had before, if it had one."""
        given = {"hostname": "localhost", **options}
        if tls is not None and not smtps:
            given["tls_context"] = tls

        def protocol() -> Any:
            return SMTP(self, **given)

        server = await asyncio.get_running_loop().create_server(
            protocol, "127.0.0.1", self.port, ssl=tls if smtps else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()


def allow(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    known = isinstance(given, LoginPassword) and (given.login, given.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=known, handled=False)


def make_certificates(folder: Path, monkeypatch: Any) -> ssl.SSLContext:
    """The server's; this process trusts their authority for as long as the test runs."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    trusting = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(mail, "_tls_context", lambda: trusting)
    return context
