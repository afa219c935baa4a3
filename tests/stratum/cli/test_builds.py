"""Builds from the command line: shown, given up, and built again."""

import threading

import pytest

from stratum.model import BuildOptions, BuildState
from stratum.store import builds, reserved
from stratum.store.reserved import Reserved
from tests.there import there
from tests.waiting import wait_until
from tests.webside import COMMIT

AT = ("-E", "MyProdEnv", "builds")


@pytest.fixture
def app(side, terminal):
    app = side.app()
    side.release(app)
    return app


def queue(side, app, options=None):
    with side.db.write() as tx:
        return builds.add_build(
            tx, app.id, COMMIT, source="push", who="ci", options=options or BuildOptions()
        )


def test_a_build_is_shown_in_full(side, terminal, app):
    queue(side, app, BuildOptions(no_cache=True, scale={"worker": 2}, reason="stop\nthe leak"))

    said = terminal(*AT, "show", "2").out

    facts = dict(line.split("  ", 1) for line in said.splitlines() if not line.startswith(" "))
    assert {name: text.strip() for name, text in facts.items() if name != "queued"} == {
        "build": "2",
        "status": "queued",
        "commit": COMMIT,
        "source": "push",
        "who": "ci",
        "reason": "stop",
        "options": "no-cache scale=worker=2",
    }
    assert "         the leak\n" in said
    assert "release   v1\n" in terminal(*AT, "show", "1").out
    assert terminal(*AT, "show", "2", "--json").rows[0]["options"]["scale"] == {"worker": 2}


def test_a_queued_build_is_given_up(side, terminal, app):
    queue(side, app)

    said = terminal(*AT, "cancel", "2")

    assert (said.code, said.out, said.err) == (0, "", "Canceled build 2.\n")
    again = terminal(*AT, "cancel", "2")
    assert (again.code, again.err.splitlines()[0]) == (1, "Build 2 has ended already: it was canceled.")
    followed = terminal(*AT, "follow", "2")
    assert (followed.code, followed.out) == (1, " !     Build canceled: admin asked for it.\n")
    assert followed.err.splitlines()[0] == "Build 2 was canceled: admin asked for it."


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (BuildState.CANCELED, "Canceled build 2.\n"),
        (BuildState.FAILED, "Build 2 had ended before: it has failed.\n"),
    ],
)
def test_the_end_of_one_that_runs_is_waited_for(side, terminal, app, end, said):
    queue(side, app)
    with side.db.write() as tx:
        claimed = there(builds.claim_next(tx, app.id, "1:1"))

    def is_ended():
        with side.db.write() as tx:
            held = builds.held(tx, claimed)
            return held is not None and held.error and builds.finish(tx, claimed, end, error=held.error)

    builder = threading.Thread(target=wait_until, args=(is_ended, 30))
    builder.start()
    found = terminal(*AT, "cancel", "2", "--json")
    builder.join()

    assert (found.code, found.err, found.rows[0]["status"]) == (0, said, end.value)


def test_a_failed_build_is_built_again_and_followed(side, terminal, app, settling):
    with settling(app, "no"):
        queue(side, app)
        terminal(*AT, "follow", "2")
    with settling(app, "no again"):
        said = terminal(*AT, "retry", "2", "--json")

    assert (said.code, said.err) == (1, "Build 3 failed: no again\n")
    assert [(row["number"], row["source"]) for row in said.rows] == [(3, "retry")]
    assert terminal(*AT, "retry", "1").err.splitlines()[0] == "Build 1 has been released as v1."


def test_every_form_of_listing_lists(side, terminal, app):
    queue(side, app)
    forms = [
        ("-E", "MyProdEnv", "-A", "app02", "builds"),
        ("builds", "-E", "MyProdEnv", "-A", "app02"),
        ("builds", "-E", "MyProdEnv", "list"),
        ("builds", "list", "-E", "MyProdEnv", "-A", "app02"),
    ]

    said = [terminal(*form) for form in forms]

    assert [one.code for one in said] == [0] * len(forms)
    assert len({one.out for one in said}) == 1
    assert [line.split()[0] for line in said[0].out.splitlines()] == ["NUMBER", "2", "1"]
    assert [row["number"] for row in terminal(*forms[2], "--json").rows] == [2, 1]


def test_without_a_number_the_newest_is_meant(side, terminal, app):
    log = side.instance.layout.build_log(app.id, 1)
    log.parent.mkdir(parents=True)
    log.write_text("-----> Released v1\n")

    assert terminal(*AT, "follow").out == "-----> Released v1\n"
    assert terminal(*AT, "show").out.startswith("build ")
    side.app("empty", "Other")
    said = terminal("-E", "Other", "builds", "follow")
    assert (said.code, said.err) == (
        1,
        "Other/empty has no build yet.\nThe first push makes one: git push catalyze master.\n",
    )


def test_who_follows_what_is_canceled_before_it_was_fetched_is_told_how_to_fetch_it(side, terminal, app):
    with side.db.write() as tx:
        number = str(reserved.reserve(tx, app.id, "webhook:x").number)
    assert terminal(*AT, "cancel", number).code == 0

    followed = terminal(*AT, "follow", number)
    assert followed.code == 1
    assert followed.err.splitlines() == [
        f"Build {number} was canceled: admin asked for it.",
        "stratum webhooks replay NUMBER fetches it; stratum webhooks deliveries has the number.",
    ]


def test_a_build_that_is_fetched_is_followed_and_one_that_was_skipped_is_no_failure(side, terminal, app):
    with side.db.write() as tx:
        one = Reserved(app.id, reserved.reserve(tx, app.id, "webhook:x").number)
    row = terminal(*AT, "show", "2", "--json").rows[0]
    assert (row["status"], row["commit"]) == ("fetching", "")
    assert terminal(*AT, "retry", "2").err.splitlines()[0] == ("Build 2 has not ended yet: it is fetching.")
    with side.db.write() as tx:
        reserved.end(tx, one, BuildState.SKIPPED, "Nothing to build: master was there already.")

    followed = terminal(*AT, "follow", "2")
    assert (followed.code, followed.err) == (
        0,
        "Build 2 was skipped: Nothing to build: master was there already.\n",
    )
    again = terminal(*AT, "retry", "2")
    assert (again.code, again.err.splitlines()) == (
        1,
        [
            "Build 2 has fetched nothing that could be built.",
            "Fetch it once more: stratum webhooks replay NUMBER.",
        ],
    )
