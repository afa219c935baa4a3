import pytest

from stratum.errors import AlreadyExists, Conflict
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


def test_an_error_inside_a_transaction_leaves_nothing(db, app):
    with pytest.raises(RuntimeError), db.write() as tx:
        environments.add_app(tx, app.environment, "half")
        raise RuntimeError

    with db.read() as tx:
        assert environments.find_app(tx, "MyProdEnv", "half") is None
