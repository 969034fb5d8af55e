"""Notify people by mail."""

from services.notify.mail import Mail as Mail
from services.notify.mail import MailError as MailError
from services.notify.mail import Server as Server
from services.notify.mail import send as send
from services.notify.mail import server_of as server_of
