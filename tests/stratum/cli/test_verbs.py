"""The commands of the transcript, against a server whose applier records and runs nothing."""

import os

import pytest

from stratum.store import builds
from tests.webside import COMMIT


@pytest.fixture
def app(side, terminal):
    app = side.app()
    side.release(app)
    return app


def test_environments_and_apps_are_made_and_listed(terminal):
    made = terminal("environments", "create", "MyProdEnv", "--stage", "production")
    app = terminal("apps", "create", "app02", "-E", "MyProdEnv")

    assert (made.code, made.err) == (0, "Created the environment MyProdEnv (stage production).\n")
    assert (app.code, app.err) == (
        0,
        "Created MyProdEnv/app02: http://app02.myprodenv.localhost:8080, once pushed.\n"
        "Next, in its git repository: stratum associate MyProdEnv app02\n",
    )
    assert terminal("environments", "list").out.split()[:4] == ["NAME", "STAGE", "START", "ALL"]
    assert terminal("apps", "list", "-E", "myprodenv", "--json").rows[0]["name"] == "app02"
    assert terminal("-E", "Other", "apps", "list", "--json").rows == []
    assert terminal("apps", "create", "x").code == 2
    assert terminal("environments", "destroy", "MyProdEnv").code == 1


def test_a_worker_is_launched_once(terminal, app):
    first = terminal("-E", "MyProdEnv", "worker", "worker")
    second = terminal("-E", "MyProdEnv", "worker", "worker")

    assert (first.code, first.out) == (0, "web.1 kept (pid 4701)\nworker.1 started (pid 4701)\n")
    assert (second.code, second.out) == (0, "")
    assert second.err == "worker is already running (1 process); nothing changed.\n"


def test_an_unknown_target_exits_1_with_those_there_are(terminal, app):
    said = terminal("-E", "MyProdEnv", "worker", "nope")

    assert (said.code, said.out, said.err) == (
        1,
        "",
        "'nope' is no target of the current release; its targets are: web, worker.\n"
        "Add a line for it to the Procfile and push, or use one of these.\n",
    )


def test_scaling_tells_what_it_did_to_each_process(terminal, app):
    terminal("scale", "-E", "MyProdEnv", "worker=2")
    said = terminal("-E", "MyProdEnv", "scale", "worker=1")

    assert (said.code, said.out) == (0, "web.1 kept (pid 4701)\nworker.1 kept (pid 4701)\nworker.2 stopped\n")


def test_a_scale_is_changed_by_so_many(terminal, app):
    terminal("-E", "MyProdEnv", "scale", "worker=+2")
    said = terminal("-E", "MyProdEnv", "scale", "web=+1", "worker=-1")

    assert said.out == (
        "web.1 kept (pid 4701)\nweb.2 started (pid 4702)\nworker.1 kept (pid 4701)\nworker.2 stopped\n"
    )
    assert terminal("-E", "MyProdEnv", "scale", "worker=-2").err == (
        "worker cannot go from 1 by -2: a scale is from 0 to 100.\nGive the scale itself, such as worker=0.\n"
    )


@pytest.mark.parametrize("given", ["--1", "1.5", "1000000000", "many", "\uff12", " 2", "1_0", "9" * 5000])
def test_a_wrong_scale_exits_1_with_what_is_allowed(terminal, app, given):
    said = terminal("-E", "MyProdEnv", "scale", f"worker={given}")

    shown = given if given == "1000000000" else repr(given)
    assert (said.code, said.err) == (
        1,
        f"{shown} is no scale for worker: a whole number from 0 to 100 is.\n"
        "+1 and -1 change the scale there is.\n",
    )


def test_a_rollout_that_fails_exits_1_with_the_last_lines(terminal, app):
    said = terminal("-E", "MyProdEnv", "scale", "worker=9")

    assert (said.code, said.err) == (
        1,
        "worker.9 did not come up: exit status 3 after 0.1 s.\n"
        "    no broker\n"
        "worker.9 ended with exit code 3 after 0.1 s. What ran before runs on.\n",
    )


def test_wrong_usage_exits_2(terminal, app):
    for wrong in (
        ["scale", "worker"],
        ["scale", "worker=1", "worker=2"],
        ["vars", "set", "A"],
        ["rollback", "x", "y"],
        ["nope"],
    ):
        assert terminal("-E", "MyProdEnv", *wrong).code == 2, wrong


def test_variables_of_any_bytes_are_set_listed_and_unset(terminal, app, tmp_path):
    odd = "a' \" % ; # $HOME\n\r\tünïcödé"
    (tmp_path / "pem").write_bytes(b"line\r\nline\n")

    terminal("-E", "MyProdEnv", "vars", "set", f"ODD={odd}", "EMPTY=", "--file", f"PEM={tmp_path / 'pem'}")
    listed = terminal("-E", "MyProdEnv", "vars", "--json").rows
    shown = terminal("-E", "MyProdEnv", "vars", "list").out
    terminal("vars", "unset", "-E", "MyProdEnv", "ODD", "PEM")

    assert {row["name"]: row["value"] for row in listed} == {
        "ODD": odd,
        "EMPTY": "",
        "PEM": "line\r\nline\n",
    }
    assert shown.startswith("EMPTY=\n")
    assert terminal("-E", "MyProdEnv", "vars").out == "EMPTY=\n"
    assert terminal("-E", "MyProdEnv", "releases", "--json").rows[0]["cause"] == "config: unset ODD, PEM"


def test_a_value_that_is_no_text_is_refused_here(terminal, app, tmp_path):
    (tmp_path / "raw").write_bytes(b"\xff")

    said = terminal("-E", "MyProdEnv", "vars", "set", "--file", f"A={tmp_path / 'raw'}")
    argv = terminal("-E", "MyProdEnv", "vars", "set", os.fsdecode(b"A=\xff"))

    assert said.err == f"The variable 'A' cannot be set: {tmp_path / 'raw'} is no UTF-8 text.\n"
    assert argv.err == "The variable 'A' cannot be set: its value is no UTF-8 text.\n"


def test_a_rollback_says_what_it_released(side, terminal, app):
    side.release(app, commit="b" * 40)

    said = terminal("-E", "MyProdEnv", "rollback")

    assert (said.code, said.err) == (0, "Released v3.\n")
    assert said.out == "web.1 started (pid 4701)\n"
    assert (
        terminal("-E", "MyProdEnv", "releases").out.splitlines()[1].startswith("v3       live     3f2c1ab000")
    )
    assert terminal("-E", "MyProdEnv", "rollback", "v9").code == 1


def test_builds_are_listed_and_followed(side, terminal, app):
    log = side.instance.layout.build_log(app.id, 1)
    log.parent.mkdir(parents=True)
    log.write_text("-----> Released v1\n")

    assert terminal("-E", "MyProdEnv", "builds", "--json").rows[0]["commit"] == COMMIT
    assert (
        terminal("builds", "-E", "MyProdEnv").out.splitlines()[1].startswith("1       succeeded  3f2c1ab000")
    )
    followed = terminal("builds", "follow", "1", "-E", "MyProdEnv")
    assert (followed.code, followed.out) == (0, "-----> Released v1\n")


def test_builds_follow_takes_the_app_before_and_after_it(side, terminal, app):
    side.release(side.app("other", "Other"))

    for before, after in (((), ("-E", "MyProdEnv", "-A", "app02")), (("-E", "MyProdEnv", "-A", "app02"), ())):
        assert terminal("builds", *before, "follow", "1", *after).code == 0
    assert terminal("builds", "-E", "Other", "follow", "9").err.startswith("There is no build '9'")


def test_following_a_superseded_build_names_the_newer_one(side, terminal, app):
    with side.db.write() as tx:
        old, new = (builds.add_build(tx, app.id, COMMIT, source="push", who="admin") for _ in range(2))
        builds.supersede_queued(tx, new)

    said = terminal("-E", "MyProdEnv", "builds", "follow", str(old.number))

    assert (said.code, said.err) == (
        0,
        "Build 2 was superseded by #3, a newer push: stratum -E MyProdEnv -A app02 builds follow 3\n",
    )


def test_a_long_error_is_cut_in_the_table_and_whole_in_json(settling, terminal, app):
    error = "Installing failed (exit code 1): one\n" + "x" * 300
    with settling(app, error):
        terminal("-E", "MyProdEnv", "redeploy")

    table = terminal("-E", "MyProdEnv", "builds").out.splitlines()
    cut = error[:79].replace("\n", " ") + "…"

    assert len(table) == 3
    assert table[1].endswith(f"Z  {cut}")
    assert terminal("-E", "MyProdEnv", "builds", "--json").rows[0]["error"] == error


def test_a_failed_redeploy_exits_1(settling, terminal, app):
    with settling(app, "Installing failed (exit code 1): x"):
        said = terminal("-E", "MyProdEnv", "redeploy")

    assert (said.code, said.err) == (1, "Build 2 failed: Installing failed (exit code 1): x\n")


def test_logs_are_printed(side, terminal, app):
    assert terminal("-E", "MyProdEnv", "logs").err == "Nothing was written yet.\n"
    path = side.instance.layout.process_log(app.id, "MyProdEnv.app02.v1.web.1")
    path.parent.mkdir(parents=True)
    path.write_text("one\ntwo\n")

    assert terminal("-E", "MyProdEnv", "logs", "-n", "1").out == "web.1 | two\n"
    assert terminal("-E", "MyProdEnv", "logs", "-t", "nope").code == 1


def test_processes_without_supervisord_say_so(terminal, app):
    said = terminal("-E", "MyProdEnv", "ps")

    assert said.code == 1
    assert said.err.startswith("supervisord does not answer")


def test_destroying_needs_the_name_typed(terminal, app):
    asked = "This ends MyProdEnv/app02 and removes all that is kept of it. Type its name to confirm:\n"

    refused = terminal("apps", "destroy", "app02", "-E", "MyProdEnv", stdin="app2\n")
    done = terminal("apps", "destroy", "app02", "-E", "MyProdEnv", stdin="app02\n")
    gone = terminal("apps", "destroy", "app02", "-E", "MyProdEnv", stdin="app02\n")

    assert (refused.code, refused.err) == (
        1,
        asked
        + "'app2' is not the name of this app, so nothing is destroyed.\nConfirm with its name: app02.\n",
    )
    assert (done.code, done.err) == (0, asked + "Destroyed MyProdEnv/app02.\n")
    assert (gone.code, gone.err) == (1, "There is no app 'MyProdEnv/app02' here that you may use.\n")


def test_tokens_are_made_listed_and_revoked(terminal, app):
    made = terminal("tokens", "create", "ci", "--read", "MyProdEnv", "--deploy", "MyProdEnv/app02")
    secret = made.out.strip()

    assert made.err == "Created the token ci; this is the only time it is shown:\n"
    assert "read MyProdEnv, deploy MyProdEnv/app02" in terminal("tokens", "list").out
    terminal("login", terminal.url, "--token", secret)
    assert terminal("whoami").out == (
        f"ci at {terminal.url}\nmay read MyProdEnv\nmay deploy MyProdEnv/app02\n"
    )
    assert terminal("tokens", "list").code == 1
    terminal("login", terminal.url, "--token", terminal.admin)
    assert terminal("tokens", "revoke", "ci").code == 0
    assert terminal("login", terminal.url, "--token", secret).code == 1


@pytest.mark.parametrize("right", ["read", "push", "deploy", "admin"])
def test_each_right_has_an_option(terminal, app, right):
    option = "--admin-of" if right == "admin" else f"--{right}"

    assert terminal("tokens", "create", "ci", option, "MyProdEnv/app02").code == 0
    assert f" {right} MyProdEnv/app02 " in terminal("tokens", "list").out


def test_a_token_can_be_made_to_expire(terminal, app):
    dated = terminal("tokens", "create", "dated", "--admin", "--expires", "2199-12-31")
    days = terminal("tokens", "create", "days", "--admin", "--expires", "90d", "--json")

    assert dated.err == (
        "Created the token dated; this is the only time it is shown,"
        " and good until 2200-01-01T00:00:00.000Z:\n"
    )
    assert days.rows[0]["expires_at"] is not None
    rows = {line.split()[0]: line.split()[-1] for line in terminal("tokens", "list").out.splitlines()}
    assert (rows["admin"], rows["dated"]) == ("never", "2200-01-01T00:00:00.000Z")
    assert terminal("tokens", "create", "past", "--admin", "--expires", "2020-01-01").code == 1
    for given in ("90", "0d", "99999999d", "99999d9", "9999-12-31", "31.12.2030", "-1d"):
        refused = terminal("tokens", "create", "no", "--admin", "--expires", given)
        assert (refused.code, "give days, such as 90d, or a date" in refused.err) == (2, True), given


def test_settings_of_an_app_are_set_and_shown(terminal, app):
    said = terminal(
        "apps", "set", "app02", "-E", "MyProdEnv", "--gate", "build", "--max-push", "1.5M", "--protect"
    )
    assert (said.code, said.err) == (
        0,
        "MyProdEnv/app02: deploys the first of master and main that is pushed; "
        "gate build; protected; pushes of up to 1.5 MiB, 5 GiB in all; processes: 100 at most.\n",
    )
    terminal(
        "-E", "MyProdEnv", "apps", "set", "app02", "--max-push", "server", "--quota", "2G", "--no-protect"
    )
    shown = terminal("apps", "show", "app02", "-E", "MyProdEnv")
    assert [
        line.split(maxsplit=1)[-1] for line in shown.out.splitlines() if line[:3] in ("max", "quo", "pro")
    ] == [
        "no",
        "push           1 GiB (the server's)",
        "2 GiB",
        "processes      100 (the server's)",
    ]
    terminal("-E", "MyProdEnv", "apps", "set", "app02", "--max-processes", "20")
    assert terminal("apps", "show", "app02", "-E", "MyProdEnv", "--json").rows[0]["max_processes"] == 20
    row = terminal("apps", "show", "app02", "-E", "MyProdEnv", "--json").rows[0]
    assert (row["gate"], row["max_push_bytes"], row["max_repo_bytes"]) == ("build", None, 2 << 30)


def test_settings_that_make_no_sense_are_said_to(terminal, app):
    assert terminal("apps", "set", "app02", "-E", "MyProdEnv").code == 2
    assert terminal("apps", "set", "app02", "-E", "MyProdEnv", "--gate", "x").code == 2
    said = terminal("apps", "set", "app02", "-E", "MyProdEnv", "--quota", "much")
    assert (said.code, said.err) == (1, "'much' is no size.\nWrite a number of bytes, or as 200M or 1.5G.\n")


def test_a_name_without_an_environment_is_one_beside_the_app_we_are_at(side, terminal, app, repo):
    side.app("other")
    terminal("associate", "MyProdEnv", "app02")

    assert terminal("apps", "show", "other", "--json").rows[0]["name"] == "other"
    assert terminal("apps", "set", "other", "--gate", "build").code == 0
    assert terminal("apps", "show", "app02", "--json").rows[0]["gate"] == "none"
