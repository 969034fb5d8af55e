"""What somebody may mean by a text, as far as it can be acted on."""

from __future__ import annotations

from enum import StrEnum


class Meaning(StrEnum):
    """START is certain: nobody writes it for another reason.  YES answers something; what that was, the reader of it
    has to know.  REVOKE is a STOP in other words: acted on at once, and looked at by a person.  NONE is for people."""

    STOP = "stop"
    START = "start"
    YES = "yes"
    HELP = "help"
    REVOKE = "revoke"
    NONE = "none"
