"""The only SQL. Functions take a transaction first and return values of `stratum.model`."""

from stratum.store.database import Changes, Database, Transaction
from stratum.store.watched import Watched

__all__ = ["Changes", "Database", "Transaction", "Watched"]
