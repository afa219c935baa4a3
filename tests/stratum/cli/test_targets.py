"""`stratum explain`, and `stratum targets`."""

import pytest


@pytest.fixture
def app(side):
    app = side.app()
    side.release(app)
    return app


def test_settings_are_shown_set_and_unset(terminal, app):
    shown = terminal("-E", "MyProdEnv", "explain", "worker")
    assert [line.split()[:3] for line in shown.out.splitlines()][:3] == [
        ["TARGET", "KEY", "VALUE"],
        ["worker", "scale", "0"],
        ["worker", "strategy", "replace"],
    ]
    said = terminal("-E", "MyProdEnv", "targets", "set", "worker", "strategy=overlap")
    assert ["worker", "strategy", "overlap", "API", "-"] in [line.split() for line in said.out.splitlines()]
    rows = terminal("-E", "MyProdEnv", "explain", "--json").rows
    assert {row["target"]: row["source"] for row in rows if row["key"] == "strategy"} == {
        "web": "default",
        "worker": "API",
    }
    rows = terminal("-E", "MyProdEnv", "targets", "unset", "worker", "strategy", "--json").rows
    assert {row["source"] for row in rows if row["key"] == "strategy"} == {"default"}


def test_what_is_no_setting_is_refused(terminal, app):
    assert terminal("-E", "MyProdEnv", "targets", "set", "worker", "strategy").code == 2
    refused = terminal("-E", "MyProdEnv", "targets", "set", "worker", "strategy=no")
    assert (refused.code, refused.out) == (1, "")
    assert 'worker.strategy: "no" is no strategy. There are: overlap, replace.' in refused.err


def test_a_target_that_is_none_is_not_explained(terminal, app):
    refused = terminal("-E", "MyProdEnv", "explain", "nope")
    assert (refused.code, refused.out) == (1, "")
    assert "'nope' is no target of the current release; its targets are: web, worker." in refused.err
