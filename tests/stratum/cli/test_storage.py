"""`stratum storage`."""

import pytest


@pytest.fixture
def app(side, terminal):
    app = side.app()
    side.release(app)
    return app


def run(terminal, *arguments, **more):
    said = terminal("-E", "MyProdEnv", "-A", "app02", *arguments, **more)
    assert said.code == 0, said.err
    return said


def test_create_mount_list_unmount_destroy(terminal, side, app):
    said = run(terminal, "storage", "create", "data")
    assert said.err == (
        "Created the storage data of MyProdEnv/app02.\nNext: stratum storage mount data PATH\n"
    )
    assert "started" in run(terminal, "storage", "mount", "data", "/app/uploads").out

    heading, row = run(terminal, "storage").out.splitlines()
    assert heading.split() == ["NAME", "MOUNTED", "AT", "SIZE", "DESTROYING", "CREATED", "AT"]
    assert row.split()[:2] == ["data", "uploads"]
    assert run(terminal, "storage", "list", "--json").rows[0]["path"] == "uploads"

    run(terminal, "storage", "unmount", "data")
    assert run(terminal, "storage", "destroy", "data", stdin="data\n").err == (
        "This removes all that is in the storage data of MyProdEnv/app02. Type its name to confirm:\n"
        "Destroyed the storage data of MyProdEnv/app02.\n"
    )
    assert run(terminal, "storage", "--json").rows == []


def test_create_mounts_at_once_if_asked(terminal, app):
    said = run(terminal, "storage", "create", "data", "--mount", "uploads")

    assert said.err == "Created the storage data of MyProdEnv/app02.\n"
    assert "started" in said.out


def test_a_wrong_name_destroys_nothing(terminal, side, app):
    run(terminal, "storage", "create", "data")

    said = terminal("-E", "MyProdEnv", "-A", "app02", "storage", "destroy", "data", stdin="other\n")

    assert said.code == 1
    assert "'other' is not the name of this storage, so nothing is destroyed." in said.err
    assert side.instance.layout.volume(app.id, "data").is_dir()


def test_the_end_of_an_app_names_its_storage(terminal, app):
    run(terminal, "storage", "create", "data")

    said = terminal("apps", "destroy", "app02", "-E", "MyProdEnv", stdin="app02\n")

    first, last = said.err.splitlines()
    assert first.startswith(
        "This ends MyProdEnv/app02 and removes all that is kept of it, with its storage: data ("
    )
    assert last.startswith("Destroyed MyProdEnv/app02, with its storage: data (")
