"""Variables: what is stored, who sees it, what release it makes."""

import pytest

from stratum.model import Grant, Right
from stratum.store import releases

HERE = "/apps/MyProdEnv/app02"
ODD = "quote ' \" newline\n\r\ttab %s %% ; # $HOME `id` \\ ünïcödé 🎉"


def values(api):
    return {row["name"]: row["value"] for row in api("GET", f"{HERE}/vars")[1]}


def test_values_come_back_byte_for_byte(api, side):
    side.app()
    wanted = {"ODD": ODD, "EMPTY": "", "LONG": "x" * 65536}

    assert api("PATCH", f"{HERE}/vars", json={"set": wanted})[0] == 200
    assert values(api) == wanted


def test_values_are_encrypted_in_the_database(api, side):
    side.app()
    api("PATCH", f"{HERE}/vars", json={"set": {"SECRET": "hunter22"}})

    for file in side.instance.layout.state.glob("stratum.db*"):
        assert b"hunter22" not in file.read_bytes()


def test_before_the_first_release_they_wait_for_it(api, side):
    app = side.app()

    assert api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}})[1] == {
        "changed": True,
        "rollout": None,
        "release": None,
        "message": "The first release will have it.",
    }
    assert side.release(app).config_version == 1


def test_a_change_is_a_new_release_of_the_same_code(api, side):
    app = side.app()
    old = side.release(app)

    change = api("PATCH", f"{HERE}/vars", json={"set": {"B": "2", "A": "1"}, "unset": ["GONE"]})[1]

    assert change == {"changed": True, "rollout": 2, "release": 2, "message": ""}
    with side.db.read() as tx:
        new = releases.find_release(tx, app.id, 2)
    assert new is not None
    assert new.cause == "config: set B, A; unset GONE"
    assert (new.slug, new.commit, new.targets) == (old.slug, old.commit, old.targets)


def test_the_same_values_again_change_nothing(api, side):
    side.release(side.app())
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}})

    assert api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}, "unset": ["NEVER"]})[1] == {
        "changed": False,
        "rollout": None,
        "release": None,
        "message": "They are so already; nothing changed.",
    }


def test_values_whose_release_failed_are_out_of_force(api, side):
    app = side.app()
    side.release(app)
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "good"}})
    side.settle(app)
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "bad"}})
    side.settle(app, error="web.1 ended")

    assert values(api) == {"A": "good"}
    assert api("PATCH", f"{HERE}/vars", json={"set": {"B": "2"}})[1]["release"] == 4
    assert values(api) == {"A": "good", "B": "2"}


def test_a_change_while_a_push_rolls_out_builds_on_the_pushed_code(api, side):
    app = side.app()
    side.release(app)
    with side.db.write() as tx:
        releases.add_release(
            tx, app.id, slug="b" * 64, commit="c" * 40, targets=(), cause="push", who="admin"
        )

    api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}})

    with side.db.read() as tx:
        newest = next(releases.newest_first(tx, app.id))
    assert (newest.version, newest.slug, newest.config_version) == (3, "b" * 64, 1)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("1A", "x", "a name has letters, digits and underscores, and starts with no digit"),
        ("A-B", "x", "a name has letters, digits and underscores, and starts with no digit"),
        ("PORT", "x", "Stratum sets it itself"),
        ("A", "x\0y", "a value cannot hold a NUL byte"),
        ("A", "\ud800", "its value is no valid Unicode text"),
        ("A", "x" * 131072, "it has 131074 bytes, at most 131071 fit one variable"),
    ],
)
def test_what_no_process_could_be_given_is_refused(api, side, name, value, reason):
    side.app()

    assert api("PATCH", f"{HERE}/vars", json={"set": {name: value}}) == (
        422,
        {
            "error": "invalid-variable",
            "message": f"The variable {name!r} cannot be set: {reason}.",
            "hint": "",
        },
    )
    assert values(api) == {}


def test_a_value_that_is_no_text_is_refused(api, side):
    side.app()

    assert api("PATCH", f"{HERE}/vars", json={"set": {"A": 1}})[0] == 422


def test_a_reader_sees_names_only(api, side):
    app = side.app()
    api("PATCH", f"{HERE}/vars", json={"set": {"A": "1"}})
    reader = side.token("reader", Grant(app.environment.id, None, Right.READ))

    assert api("GET", f"{HERE}/vars", token=reader)[1] == [{"name": "A", "value": None}]
