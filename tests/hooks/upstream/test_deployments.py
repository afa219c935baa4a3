"""Builds of a commit are deployments on GitHub, active as long as what they have made runs."""

import json

import pytest

from stratum.store import releases
from stratum.verbs.release import release_again
from tests.webside import COMMIT

OTHER = "b" * 40
ALL = "/api/v3/repos/octo/app/deployments"


@pytest.fixture
def hook(speaking):
    return speaking.hook(statuses=False, deployments=True)


def created(number):
    """Answer as GitHub does when a deployment was made."""
    return answer(201, {"id": number, "url": "…"})


def answer(status, said):
    body = json.dumps(said).encode()

    def give(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return give


def told_states(told):
    return [
        (one.path.removeprefix(ALL), one.json["state"]) for one in told.got if one.path.endswith("/statuses")
    ]


def go_live(speaking, hook, commit=COMMIT):
    speaking.deliver(hook, commit)
    speaking.release()
    speaking.side.settle(speaking.app)
    speaking.look()


def test_a_build_is_a_deployment_that_is_in_progress_and_then_a_success(speaking, told, hook):
    told.answers = [created(42)]
    speaking.deliver(hook)
    speaking.look()
    speaking.release()
    speaking.side.settle(speaking.app)
    speaking.look()

    made, first, second = told.got
    assert (made.path, first.path, second.path) == (ALL, f"{ALL}/42/statuses", f"{ALL}/42/statuses")
    name = f"Build #1 by Stratum web hook {hook.public_id}"
    assert made.json == {
        "ref": COMMIT,
        "environment": "app02.MyProdEnv",
        "auto_merge": False,
        "required_contexts": [],
        "payload": name,
        "description": name,
        "production_environment": True,
        "transient_environment": False,
    }
    assert first.json == {
        "state": "in_progress",
        "description": "Build #1 is under way.",
        "log_url": "https://st.example/api/apps/MyProdEnv/app02/builds/1/log",
        "environment_url": "http://app02.myprodenv.localhost:8080",
        "auto_inactive": False,
    }
    assert (second.json["state"], second.json["description"]) == ("success", "v1 is live.")


def test_the_one_before_is_inactive_once_another_is_live_and_active_again_after_a_rollback(
    speaking, told, hook
):
    told.answers = [created(1)]
    go_live(speaking, hook)
    told.answers = [answer(201, {}), created(2)]
    go_live(speaking, hook, OTHER)
    assert sorted(told_states(told)) == [
        ("/1/statuses", "inactive"),
        ("/1/statuses", "success"),
        ("/2/statuses", "success"),
    ]
    with speaking.side.db.write() as tx:
        old = list(releases.newest_first(tx, speaking.app.id))[-1]
        release_again(tx, old, cause="rollback", who="admin")
    speaking.side.settle(speaking.app)
    speaking.look()

    assert sorted(told_states(told)[3:]) == [("/1/statuses", "success"), ("/2/statuses", "inactive")]


def test_another_build_of_the_same_commit_is_another_deployment(speaking, told, hook):
    told.answers = [created(1)]
    speaking.deliver(hook)
    speaking.end_build(error="no")
    speaking.look()
    told.answers = [created(2)]
    speaking.build_again()
    speaking.look()

    assert told_states(told) == [("/1/statuses", "failure"), ("/2/statuses", "in_progress")]


def test_one_whose_answer_was_lost_is_looked_for_before_it_is_made_again(speaking, told, hook):
    def lose(handler):
        handler.close_connection = True

    told.answers = [lose]
    speaking.deliver(hook)
    speaking.look()
    name = f"Build #1 by Stratum web hook {hook.public_id}"
    told.answers = [answer(200, [{"id": 6, "payload": {}}, {"id": 7, "payload": name}])]
    speaking.make_due()
    speaking.look()

    _, asked, status = told.got
    assert (asked.method, asked.path) == ("GET", f"{ALL}?sha={COMMIT}&environment=app02.MyProdEnv")
    assert status.path == f"{ALL}/7/statuses"
    assert speaking.statuses(hook)[0].remote_id == "7"


def test_one_whose_answer_was_lost_is_looked_for_though_there_is_more_to_say_by_then(speaking, told, hook):
    def lose(handler):
        handler.close_connection = True

    told.answers = [lose]
    speaking.deliver(hook)
    speaking.look()
    speaking.end_build(error="no")
    name = f"Build #1 by Stratum web hook {hook.public_id}"
    told.answers = [answer(200, [{"id": 7, "payload": name}])]
    speaking.look()

    assert [one.method for one in told.got] == ["POST", "GET", "POST"]
    assert told_states(told) == [("/7/statuses", "failure")]


@pytest.mark.parametrize("said", [{"message": "Auto-merged"}, {"id": "x/../y"}, {"id": True}, [], 7])
def test_an_answer_that_names_no_deployment_is_tried_again(speaking, told, hook, said):
    told.answers = [answer(202, said)]
    speaking.deliver(hook)
    speaking.look()

    [status] = speaking.statuses(hook)
    assert (status.error, status.remote_id) == ("its answer names no deployment", "")
    assert status.due_at is not None


def test_what_came_to_no_build_is_no_deployment(speaking, told, hook):
    speaking.deliver(hook, failed="no Procfile")
    speaking.look()

    assert told.got == []
