"""The topics, folded into a small SQLite file that every read from outside uses.

It holds nothing of its own: lose the file and the next reader builds it again from Kafka."""

from services.ledger.ledger import Caught, Ledger, LedgerError

__all__ = ["Caught", "Ledger", "LedgerError"]
