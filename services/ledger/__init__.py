"""The ledger: all public topics, projected into one SQLite file that every read from outside uses.

It holds nothing of its own. If the file is lost, the next reader builds it again from Kafka.
"""

from services.ledger.ledger import CatchUp, Ledger, LedgerError

__all__ = ["CatchUp", "Ledger", "LedgerError"]
