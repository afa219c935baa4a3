"""Releases from the command line."""

import pytest
from sqlalchemy import update

from stratum.door.client import Door
from stratum.model import ReleaseState
from stratum.store import releases, tables
from tests.webside import SLUG

AT = ("-E", "MyProdEnv", "releases")


@pytest.fixture
def app(side, terminal):
    app = side.app()
    side.release(app)
    return app


def test_a_release_is_shown_with_what_it_has_changed(terminal, app):
    terminal("-E", "MyProdEnv", "vars", "set", "A=secret")
    terminal(*AT, "name", "v2", "spring")
    terminal(*AT, "note", "2", "fine\nso far")

    said = terminal(*AT, "show", "v2")

    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[:4] == [
        "release            v2",
        "name               spring",
        "note               fine",
        "                   so far",
    ]
    assert "targets            web: run web" in lines
    assert lines[-2] == "before it          v1"
    assert lines[-1].startswith("variables changed  + A  ")
    assert "secret" not in said.out
    assert terminal(*AT, "show", "v2", "--json").rows[0]["name"] == "spring"


def test_without_a_version_the_one_that_runs_is_shown(terminal, side, app):
    failed = side.release(app)
    with side.db.write() as tx:
        tx.execute(update(tables.releases).values(state=ReleaseState.LIVE.value))
        releases.set_release_state(tx, failed.id, ReleaseState.FAILED)

    assert terminal(*AT, "show").out.splitlines()[0].split() == ["release", "v1"]
    assert terminal(*AT, "show", "--json").rows[0]["version"] == 1
    side.app("empty")
    assert "MyProdEnv/empty has no release yet." in terminal("-A", "empty", *AT, "show").err


def test_names_notes_and_pins_are_told_and_listed(terminal, app):
    said = [
        terminal(*AT, *verb).err
        for verb in (
            ["name", "v1", "spring"],
            ["name", "v1", ""],
            ["note", "v1", "x"],
            ["note", "v1", ""],
            ["unpin", "v1"],
            ["pin", "v1"],
        )
    ]

    assert said == [
        "v1 is called spring.\n",
        "v1 has no name now.\n",
        "v1 has a note now.\n",
        "v1 has no note now.\n",
        "v1 is no longer kept for ever.\n",
        "v1 is kept.\n",
    ]
    assert terminal(*AT).out.splitlines()[1].split()[-2:] == ["yes", "no"]
    assert terminal(*AT, "--json").rows[0]["pinned"] is True
    assert terminal(*AT, "pin", "").code == 2
    assert terminal(*AT, "pin", "x").err.startswith("There is no release 'x' here that you may use.\n")
    assert terminal(*AT, "pin", "v9").code == 1


def test_a_release_is_meant_by_its_name_as_well(terminal, side, app):
    side.release(app, commit="b" * 40)
    terminal(*AT, "name", "v1", "spring 26")
    shown = terminal(*AT, "show", "spring 26", "--json").rows[0]
    said = [terminal(*AT, *verb).err for verb in (["note", "spring 26", "x"], ["pin", "spring 26"])]
    said.append(terminal(*AT, "unpin", "spring 26").err)
    verified = terminal(*AT, "verify", "spring 26", "--json").rows
    back = terminal("-E", "MyProdEnv", "rollback", "spring 26")

    assert shown["version"] == 1
    assert [text.split()[0] for text in said] == ["v1"] * 3
    assert [row["version"] for row in verified] == [1]
    assert (back.code, back.err.splitlines()[-1]) == (0, "Released v3.")
    assert terminal(*AT, "--json").rows[0]["cause"] == "rollback to v1"


def test_a_name_that_several_have_is_refused_with_their_versions(terminal, side, app):
    side.release(app)
    with side.db.write() as tx:
        tx.execute(update(tables.releases).values(name="spring"))

    said = terminal("-E", "MyProdEnv", "rollback", "spring")

    assert (said.code, said.err.splitlines()[0]) == (1, "v2, v1 are all called 'spring'.")


def test_all_that_can_be_gone_back_to_is_verified(terminal, app, monkeypatch):
    terminal("-E", "MyProdEnv", "vars", "set", "A=1")
    good = terminal(*AT, "verify")
    monkeypatch.setattr(Door, "slug_digest", lambda _door, _app_id, _digest: "b" * 64)
    bad, one = terminal(*AT, "verify"), terminal(*AT, "verify", "v1", "--json")

    assert (good.code, [line.split() for line in good.out.splitlines()[1:]]) == (
        0,
        [["v2", "yes", SLUG], ["v1", "yes", SLUG]],
    )
    assert (bad.code, bad.err.splitlines()[0]) == (1, "Gone, or not what was built: v2, v1.")
    assert (one.code, one.rows) == (
        1,
        [{"version": 1, "slug": SLUG, "found": "b" * 64, "sound": False}],
    )


def test_every_form_of_listing_lists(terminal, app):
    forms = [AT, (*AT, "list"), ("releases", "-E", "MyProdEnv", "-A", "app02", "list")]

    said = [terminal(*form) for form in forms]

    assert [one.code for one in said] == [0, 0, 0]
    assert len({one.out for one in said}) == 1
    assert terminal(*AT, "list", "--json").rows == terminal(*AT, "--json").rows
