import pytest
from sqlalchemy import text

from stratum.errors import AlreadyExists, Conflict
from stratum.fence import MAX_APPS
from stratum.store import environments
from tests.there import there


def test_names_are_found_without_regard_to_case_and_kept_as_written(db, app):
    with db.read() as tx:
        found = there(environments.find_app(tx, "MYPRODENV", "App02"))

    assert found == app
    assert found.label == "MyProdEnv/app02"
    assert found.host("localhost") == "app02.myprodenv.localhost"


def test_a_name_that_differs_only_in_case_is_taken(db, app):
    with db.write() as tx:
        with pytest.raises(AlreadyExists):
            environments.add_environment(tx, "myprodenv", "staging", start_all=False)
        with pytest.raises(AlreadyExists):
            environments.add_app(tx, app.environment, "APP02")


def test_an_environment_with_apps_stays(db, app):
    with db.write() as tx, pytest.raises(Conflict, match="1 app"):
        environments.remove_environment(tx, app.environment.id)


def test_app_ids_are_never_used_twice(db, app):
    """Uids, folders and tmpfs names are made of them."""
    with db.write() as tx:
        environments.remove_app(tx, app.id)
        again = environments.add_app(tx, app.environment, "app02")

    assert again.id > app.id


def test_the_last_app_with_a_uid_is_the_last_app(db, app):
    with db.write() as tx:
        tx.execute(text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'apps'"), {"seq": MAX_APPS - 2})
        assert environments.add_app(tx, app.environment, "last").id == MAX_APPS - 1

    for _ in range(2):
        with pytest.raises(Conflict, match="has made 9,999 apps"), db.write() as tx:
            environments.add_app(tx, app.environment, "one-more")

    with db.read() as tx:
        assert environments.find_app(tx, "MyProdEnv", "one-more") is None


def test_an_error_inside_a_transaction_leaves_nothing(db, app):
    with pytest.raises(RuntimeError), db.write() as tx:
        environments.add_app(tx, app.environment, "half")
        raise RuntimeError

    with db.read() as tx:
        assert environments.find_app(tx, "MyProdEnv", "half") is None
