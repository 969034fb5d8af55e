"""Whose reply is this?  Who texted a number from a sender, and what that number says back."""

from streams.inbox.processor import inbox as inbox
from streams.inbox.processor import inbox_on_timer as inbox_on_timer
from streams.inbox.processor import is_former_contact_key as is_former_contact_key
