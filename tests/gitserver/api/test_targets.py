"""How targets are kept: what is in force, who has said so, and saying otherwise."""

import pytest

from stratum.model import Check, CheckKind, Contents, Strategy, Target, TargetSettings
from stratum.store import environments, formation, releases
from tests.webside import SLUG

PATH = "/apps/MyProdEnv/app02/targets"


@pytest.fixture
def app(side):
    """One whose app.json asks for a check of web, and has workers overlap."""
    app = side.app()
    first = side.release(app, "web", "worker", "mailer")
    asked = {
        "web": TargetSettings((Check(CheckKind.PATH, path="/health", only_warns=True),)),
        "worker": TargetSettings(strategy=Strategy.OVERLAP, stop_sequence="quit,75,term,15,kill"),
    }
    asked["mailer"] = TargetSettings(restart_on_deploy=False, quantity=2)
    with side.db.write() as tx:
        made = releases.add_release(
            tx,
            app.id,
            slug=SLUG,
            commit=first.commit,
            targets=first.targets,
            cause="push",
            who="admin",
            contents=Contents(settings=asked),
        )
        environments.set_current_release(tx, app.id, made.id)
    return app


def release(side, app, quantities):
    """Have the app run a release of the target `clock`, whose app.json asks for so many."""
    settings = {name: TargetSettings(quantity=number) for name, number in quantities.items()}
    with side.db.write() as tx:
        made = releases.add_release(
            tx,
            app.id,
            slug=SLUG,
            commit="c" * 40,
            targets=(Target("clock", "sleep 9"),),
            cause="push",
            who="admin",
            contents=Contents(settings=settings),
        )
        environments.set_current_release(tx, app.id, made.id)


def facts(rows, key):
    return [(row["target"], row["value"], row["source"], row["note"]) for row in rows if row["key"] == key]


def test_what_is_in_force_is_told_with_who_has_said_so(api, side, app):
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"worker": 3})
        formation.set_paused(tx, app.id, ["worker"], paused=True)

    rows = api("GET", PATH)[1]

    assert facts(rows, "strategy") == [
        ("web", "overlap", "default", ""),
        ("worker", "overlap", "app.json", ""),
        ("mailer", "replace", "default", ""),
    ]
    assert facts(rows, "scale") == [
        ("web", "1", "default", ""),
        ("worker", "0", "API", "3 once it is resumed"),
        ("mailer", "0", "default", "app.json says 2 to begin with"),
    ]
    assert facts(rows, "stop_sequence")[:2] == [
        ("web", "term,30,kill", "default", ""),
        ("worker", "quit,75,term,15,kill", "app.json", ""),
    ]
    assert facts(rows, "restart_on_deploy") == [
        ("web", "true", "default", ""),
        ("worker", "true", "default", ""),
        ("mailer", "false", "app.json", ""),
    ]
    assert facts(rows, "check") == [
        ("web", "it listens on $PORT within 60 s", "default", ""),
        ("web", "GET /health", "app.json", "within 25 s, or a warning"),
        ("worker", "it lives for 0.3 s", "default", ""),
        ("mailer", "it lives for 0.3 s", "default", ""),
    ]


def test_the_api_goes_before_app_json_until_nothing_is_said(api, app):
    status, rows = api("PATCH", f"{PATH}/worker", json={"strategy": "replace"})

    assert status == 200
    assert facts(rows, "strategy") == [("worker", "replace", "API", "app.json says overlap")]
    assert facts(api("GET", PATH)[1], "strategy")[1] == ("worker", "replace", "API", "app.json says overlap")
    rows = api("PATCH", f"{PATH}/worker", json={"strategy": None, "stop_sequence": "SIGTERM, 90, kill"})[1]
    assert facts(rows, "stop_sequence") == [
        ("worker", "term,90,kill", "API", "app.json says quit,75,term,15,kill")
    ]
    assert facts(rows, "strategy") == [("worker", "overlap", "app.json", "")]


def test_a_release_that_goes_back_keeps_what_the_api_was_told(api, side, app):
    api("PATCH", f"{PATH}/mailer", json={"strategy": "overlap"})
    with side.db.read() as tx:
        told = formation.get_formation(tx, app.id).told
        assert formation.formations(tx)[app.id].told == told
    assert told == {"mailer": TargetSettings(strategy=Strategy.OVERLAP)}


@pytest.mark.parametrize(
    ("target", "body", "said"),
    [
        (
            "worker",
            {"strategy": "both"},
            'worker.strategy: "both" is no strategy. There are: overlap, replace.',
        ),
        ("worker", {"stop_sequence": "term"}, 'worker.stop_sequence: "term" is no way to stop. Give signals'),
        ("worker", {"max_surge": "0"}, 'worker.max_surge: "0" is not allowed. Give a whole number from 1'),
        ("worker", {"strategie": "x"}, "strategie: there is no such setting. There are: strategy"),
        ("worker", {"strategy": 1}, "worker.strategy: 1 is no strategy."),
        ("worker", {}, "No setting was given."),
        ("nope", {"strategy": "overlap"}, "'nope' is no target of the current release"),
        ("release", {"strategy": "overlap"}, "release is no process"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(api, app, target, body, said):
    before = api("GET", PATH)[1]

    status, answer = api("PATCH", f"{PATH}/{target}", json=body)

    assert status == 422
    assert answer["message"].startswith(said)
    assert api("GET", PATH)[1] == before


def test_a_surge_is_told_where_new_processes_run_beside_old_ones(api, app):
    assert facts(api("GET", PATH)[1], "max_surge") == [
        ("web", "100%", "default", ""),
        ("worker", "100%", "default", ""),
    ]
    rows = api("PATCH", f"{PATH}/web", json={"max_surge": "25%"})[1]
    assert facts(rows, "max_surge") == [("web", "25%", "API", "")]
    rows = api("PATCH", f"{PATH}/mailer", json={"max_surge": 2})[1]
    assert facts(rows, "max_surge") == [
        ("mailer", "2", "API", "no effect: new processes do not run beside old ones")
    ]


@pytest.mark.parametrize(
    ("scale", "told"),
    [
        (2, ("clock", "2", "app.json", "")),
        (1, ("clock", "1", "API", "app.json says 2 to begin with")),
    ],
)
def test_a_scale_is_of_the_app_json_of_the_release_that_brought_the_target(api, side, app, scale, told):
    release(side, app, {"clock": 2})
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"clock": scale})

    assert facts(api("GET", PATH)[1], "scale") == [told]


@pytest.mark.parametrize(
    ("later", "note"),
    [({"clock": 3}, "as v3 began; app.json says 3 to begin with"), ({}, "as v3 began")],
)
def test_a_scale_that_nobody_has_changed_stays_that_app_jsons(api, side, app, later, note):
    release(side, app, {"clock": 2})
    with side.db.write() as tx:
        formation.set_scales(tx, app.id, {"clock": 2})

    release(side, app, later)

    assert facts(api("GET", PATH)[1], "scale") == [("clock", "2", "app.json", note)]


def test_an_app_without_a_release_has_nothing_to_explain(api, side):
    side.app()
    assert api("GET", PATH)[0] == 409


def test_web_is_always_restarted_and_others_as_is_said(api, app):
    rows = api("PATCH", f"{PATH}/web", json={"restart_on_deploy": "false"})[1]
    assert facts(rows, "restart_on_deploy") == [("web", "true", "default", "web is always restarted")]
    rows = api("PATCH", f"{PATH}/mailer", json={"restart_on_deploy": True})[1]
    assert facts(rows, "restart_on_deploy") == [("mailer", "true", "API", "app.json says false")]
    assert api("PATCH", f"{PATH}/mailer", json={"restart_on_deploy": "no"})[0] == 422
