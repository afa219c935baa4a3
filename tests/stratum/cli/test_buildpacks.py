"""`stratum buildpacks` and `stratum builds purge`."""

import pytest

from stratum.store import buildpacks

URL = "https://packs.example/first.git"


@pytest.fixture
def app(side, terminal):
    app = side.app()
    with side.db.write() as tx:
        buildpacks.pin(tx, app.id, {(URL, "v1"): "1" * 40})
    return app


def run(terminal, *arguments):
    said = terminal("-E", "MyProdEnv", "-A", "app02", *arguments)
    assert said.code == 0, said.err
    return said


def test_pins_are_listed_and_forgotten(terminal, app):
    heading, row = run(terminal, "buildpacks").out.splitlines()
    assert heading.split()[:4] == ["NAME", "URL", "REF", "COMMIT"]
    assert row.split()[4:7] == [URL, "v1", "1" * 40]

    assert run(terminal, "buildpacks", "update", URL).err == (
        f"{URL} is no longer pinned to 1111111.\nNext: stratum redeploy\n"
    )
    assert run(terminal, "buildpacks", "list", "--json").rows == []
    assert run(terminal, "buildpacks", "update").err == "MyProdEnv/app02 has no buildpack by URL.\n"


def test_purge_says_what_comes_of_it(terminal, app):
    assert run(terminal, "builds", "purge").err == (
        "The next build of MyProdEnv/app02 begins without a cache.\n"
    )
