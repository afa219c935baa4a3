"""Whether the database answers, for those who only ask that."""

import sqlite3

from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from stratum.errors import Unavailable
from stratum.store import tables as t
from stratum.store.database import Database

_ANY = select(t.environments.c.id).limit(1)


def answers(db: Database) -> bool:
    """Whether a read of the file succeeds just now; what is known from memory does not count."""
    try:
        with db.read() as tx:
            tx.execute(_ANY).all()
    except (Unavailable, DatabaseError, sqlite3.DatabaseError):
        return False
    return True
