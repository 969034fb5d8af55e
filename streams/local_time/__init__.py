"""The hours of recipients: where they may be, when a text may reach them, and when one leaves that
would otherwise come at night."""
