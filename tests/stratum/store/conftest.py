import pytest

from stratum.store import Database, environments
from tests.databases import new_database


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "stratum.db"
    new_database(path)
    database = Database.open(path)
    yield database
    database.close()


@pytest.fixture
def app(db):
    with db.write() as tx:
        environment = environments.add_environment(tx, "MyProdEnv", "production", start_all=False)
        return environments.add_app(tx, environment, "app02")
