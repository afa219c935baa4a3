import sqlite3
from datetime import timedelta

from stratum.model import Grant, Right
from stratum.store import tokens
from stratum.store.clock import now
from tests.there import there


def test_a_token_is_found_by_its_secret_with_its_rights(db, app):
    with db.write() as tx:
        grant = Grant(app.environment.id, app.id, Right.READ)
        secret = tokens.add_token(tx, "ci", is_admin=False, grants=(grant,))
        found = there(tokens.find_token(tx, secret))

    assert (found.name, found.is_admin, found.rights) == ("ci", False, (grant,))


def test_the_database_holds_no_secret(db, tmp_path):
    with db.write() as tx:
        secret = tokens.add_token(tx, "admin", is_admin=True)
    db.close()

    files = [file.read_bytes() for file in tmp_path.iterdir()]

    assert files
    assert not any(secret.encode() in data for data in files)


def test_a_revoked_token_is_unknown(db):
    with db.write() as tx:
        secret = tokens.add_token(tx, "ci", is_admin=False)
        assert tokens.remove_token(tx, "ci")
        assert not tokens.remove_token(tx, "ci")
        assert tokens.find_token(tx, secret) is None


def test_an_expired_token_is_unknown_by_its_secret_and_known_by_its_name(db):
    end = now() - timedelta(microseconds=1)
    with db.write() as tx:
        secret = tokens.add_token(tx, "ci", is_admin=False, expires_at=end, created_by="admin")
        found = tokens.find_token(tx, secret)
        named = there(tokens.get_token(tx, "ci"))
        listed = tokens.list_tokens(tx)

    assert found is None
    assert (named.expires_at, named.created_by) == (end, "admin")
    assert listed == [named]
    assert (named.has_expired(end), named.has_expired(end - timedelta(seconds=1))) == (True, False)


def test_use_is_marked_at_most_once_a_minute(db):
    with db.write() as tx:
        secret = tokens.add_token(tx, "ci", is_admin=False)
        fresh = there(tokens.find_token(tx, secret))
        tokens.mark_used(tx, fresh.id)
        used = there(tokens.find_token(tx, secret))

    assert tokens.needs_mark(fresh)
    assert not tokens.needs_mark(used)


def test_sqlite_syncs_fully_and_writes_ahead(db, tmp_path):
    with db.read() as tx:
        assert tx.exec_driver_sql("pragma synchronous").scalar() == 2
        assert tx.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert tx.exec_driver_sql("pragma foreign_keys").scalar() == 1
    assert sqlite3.sqlite_version_info >= (3, 35)
