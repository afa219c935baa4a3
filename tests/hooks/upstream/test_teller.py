"""Git servers are told what becomes of commits: in order, again where it fails, and through kills."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from hooks.outgoing.backoff import AFTER_S
from stratum.model import BuildState, DeliveryState, Upstream
from stratum.store import builds, deliveries, environments, reserved, upstreams
from stratum.store.clock import now
from stratum.store.reserved import Reserved
from stratum.verbs.build import cancel
from tests.hooks.upstream.conftest import TOKEN
from tests.webside import COMMIT

PAGE = "https://st.example/api/apps/MyProdEnv/app02"


def states(told):
    return [one.json["state"] for one in told.got]


def test_a_commit_is_pending_until_its_release_is_live(speaking, told):
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.look()
    speaking.release()
    speaking.look()
    assert states(told) == ["pending"]
    speaking.side.settle(speaking.app)
    speaking.look()
    speaking.look()

    first, second = told.got
    assert first.path == second.path == f"/api/v3/repos/octo/app/statuses/{COMMIT}"
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert first.headers["content-type"] == "application/json"
    assert first.json == {
        "state": "pending",
        "target_url": f"{PAGE}/builds/1/log",
        "description": "Build #1 is under way.",
        "context": "stratum/MyProdEnv/app02",
    }
    assert (second.json["state"], second.json["description"]) == ("success", "v1 is live.")
    [status] = speaking.statuses(hook)
    assert (status.told, status.told_build, status.error, status.due_at) == ("success", 1, "", None)


def test_a_release_that_does_not_go_live_is_told_with_the_reason(speaking, told):
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.release()
    speaking.side.settle(speaking.app, "worker.1 ended with exit code 3 after 0.1 s.")
    speaking.look()

    [one] = told.got
    assert one.json["state"] == "failure"
    assert one.json["description"] == "v1 did not go live: worker.1 ended with exit code 3 after 0.1 s."


def test_a_commit_that_was_there_already_is_told_as_it_is(speaking, told):
    hook = speaking.hook()
    speaking.side.release(speaking.app)
    speaking.deliver_again(hook, 1)
    speaking.look()

    assert states(told) == ["success"]


def test_a_failed_build_is_told_with_its_step_in_a_line_that_all_allow(speaking, told):
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.end_build(error="Compiling failed:\n" + "x" * 200)
    speaking.look()

    [one] = told.got
    assert one.json["state"] == "failure"
    assert one.json["description"].startswith("Build #1 failed: Compiling failed: xxx")
    assert len(one.json["description"]) == 140


def test_a_delivery_that_comes_to_no_build_is_told_with_the_reason(speaking, told):
    hook = speaking.hook()
    number = speaking.deliver(hook, failed="Procfile:2:1: expected a colon")
    speaking.look()

    [one] = told.got
    assert one.json["state"] == "error"
    assert one.json["description"] == "Not deployed: Procfile:2:1: expected a colon."
    assert one.json["target_url"] == f"{PAGE}/webhooks/deliveries/{number}"


def test_what_could_not_be_fetched_is_an_error_that_links_to_the_log_of_its_build(speaking, told):
    build = speaking.reserve(speaking.hook())
    with speaking.side.db.write() as tx:
        one = deliveries.queued(tx, speaking.app.id)[0]
        deliveries.end(tx, one.id, DeliveryState.FAILED, "Procfile:2:1: expected a colon")
        reserved.end(tx, Reserved(speaking.app.id, build.number), BuildState.FAILED, "Nothing was taken.")
    speaking.look()

    [got] = told.got
    assert (got.json["state"], got.json["target_url"]) == ("error", f"{PAGE}/builds/{build.number}/log")
    assert got.json["description"] == "Not deployed: Procfile:2:1: expected a colon."


def test_what_a_review_app_could_not_fetch_is_told_for_itself_and_so_is_what_it_built_then(speaking, told):
    """Else the error would stand beside the success for ever, as its parent's."""
    hook = speaking.hook(deployments=True)
    with speaking.side.db.write() as tx:
        review = environments.add_app(tx, speaking.app.environment, "app02-pr-7")
    build = speaking.reserve(hook, review)
    with speaking.side.db.write() as tx:
        deliveries.end(tx, deliveries.queued(tx)[0].id, DeliveryState.FAILED, "tried 5 times: it is away")
        reserved.end(tx, Reserved(review.id, build.number), BuildState.FAILED, "Nothing was taken.")
    speaking.look()
    speaking.reserve(hook, review)
    with speaking.side.db.write() as tx:
        made = builds.add_build(tx, review.id, COMMIT, source="push", who="webhook:x")
        deliveries.end(tx, deliveries.queued(tx)[0].id, DeliveryState.PUSHED, "", made.number)
    speaking.look()

    assert [(one.json["state"], one.json["context"]) for one in told.got] == [
        ("error", "stratum/MyProdEnv/app02-pr-7"),
        ("pending", "stratum/MyProdEnv/app02-pr-7"),
    ]
    assert told.got[0].json["description"] == "Not deployed: tried 5 times: it is away."
    assert [one.json["target_url"] for one in told.got] == [
        f"{PAGE}-pr-7/builds/{build.number}/log",
        f"{PAGE}-pr-7/builds/{made.number}/log",
    ]


def test_what_is_canceled_before_it_was_fetched_is_canceled_there(speaking, told):
    build = speaking.reserve(speaking.hook("gitlab"))
    with speaking.side.db.write() as tx:
        cancel(tx, speaking.app, build.number, who="admin")
    speaking.look()

    assert states(told) == ["canceled"]
    assert told.got[0].json["description"] == "Build #1 was canceled. admin asked for it."


def test_a_delivery_that_fails_after_a_build_of_its_commit_changes_nothing(speaking, told):
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.end_build()
    speaking.look()
    speaking.deliver(hook, failed="it took longer than 900 s")
    speaking.look()

    assert states(told) == ["failure"]


def test_a_build_that_is_tried_again_is_told_in_place_of_the_first(speaking, told):
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.end_build()
    speaking.look()
    speaking.build_again()
    speaking.look()
    speaking.end_build(error="again")
    speaking.look()

    assert states(told) == ["failure", "pending", "failure"]
    assert told.got[-1].json["target_url"] == f"{PAGE}/builds/2/log"


def test_what_is_superseded_or_canceled_is_no_failure_of_the_commit(speaking, told):
    hook = speaking.hook("bitbucket")
    speaking.deliver(hook)
    with speaking.side.db.write() as tx:
        build = builds.list_builds(tx, speaking.app.id)[0]
        builds.cancel(tx, build, "admin asked for it.")
    speaking.look()

    assert states(told) == ["STOPPED"]
    assert told.got[0].json["description"] == "Build #1 was canceled. admin asked for it."


def test_a_late_pending_never_overtakes_what_came_after_it(speaking, told):
    """The first attempt hangs until the build has ended; then the newest is said, and nothing older."""
    goes_on = threading.Event()

    def late(handler):
        goes_on.wait(60)
        handler.send_response(201)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    told.answers = [late]
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.teller.look()
    told.wait(1)
    speaking.end_build()
    speaking.teller.look()  # somebody is at it
    assert states(told) == ["pending"]
    goes_on.set()
    speaking.teller.wait()
    speaking.look()

    assert states(told) == ["pending", "failure"]
    assert speaking.statuses(hook)[0].told == "failure"


def test_what_fails_is_tried_again_for_a_day_and_then_on_request(speaking, told):
    told.answers = [503] * (len(AFTER_S) + 1)
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.look()
    [status] = speaking.statuses(hook)
    assert (status.told, status.error, status.answered, status.attempts) == ("", "answered 503: no", 503, 1)
    assert status.due_at > now()

    for _ in range(len(AFTER_S) + 2):
        speaking.make_due()
        speaking.look()

    [status] = speaking.statuses(hook)
    assert (len(told.got), status.due_at, status.attempts) == (len(AFTER_S) + 1, None, len(AFTER_S) + 1)
    speaking.retry(hook)
    speaking.look()
    [status] = speaking.statuses(hook)
    assert (status.told, status.error) == ("pending", "")


def test_who_tells_nothing_is_asked_nothing(speaking, told):
    hook = speaking.hook(statuses=False)
    speaking.deliver(hook)
    speaking.end_build()
    speaking.look()

    assert (told.got, speaking.statuses(hook)) == ([], [])


def test_a_private_address_is_told_nothing_unless_sources_may_be_fetched_from_there(speaking, told):
    speaking.set(fetch_hosts="")
    hook = speaking.hook(api_url=f"https://127.0.0.1:{told.server.server_port}")
    speaking.deliver(hook)
    speaking.look()

    assert told.got == []
    assert speaking.statuses(hook)[0].error.endswith(
        f"an operator allows it with STRATUM_FETCH_HOSTS=127.0.0.1:{told.server.server_port}"
    )


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_gets_no_token(speaking, told, status):
    told.answers = [status]
    hook = speaking.hook()
    speaking.deliver(hook)
    speaking.look()

    assert len(told.got) == 1
    assert speaking.statuses(hook)[0].error == f"answered {status}: redirects are not followed: no"


def test_gitlab_that_was_told_so_already_counts_as_told(speaking, told):
    """An answer that is lost has us say it again, which it refuses."""

    def refuse(handler):
        said = b'{"message":"Cannot transition status via :enqueue from :pending (Reason(s): ...)"}'
        handler.send_response(400)
        handler.send_header("Content-Length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    told.answers = [refuse]
    hook = speaking.hook("gitlab", "/group/sub/app.git")
    speaking.deliver(hook)
    speaking.look()

    assert told.got[0].headers["private-token"] == TOKEN
    assert (speaking.statuses(hook)[0].told, speaking.statuses(hook)[0].error) == ("pending", "")


def test_the_token_to_fetch_with_tells_too_where_there_is_no_other(speaking, told):
    hook = speaking.hook("gitea")
    speaking.fetch_with(hook, "me", "f3tch")
    with speaking.side.db.write() as tx:
        upstreams.set_upstream(tx, Upstream(hook.id, statuses=True))
    speaking.deliver(hook)
    speaking.look()

    assert told.got[0].headers["authorization"] == "token f3tch"


KILLED = """
import json, sys
from pathlib import Path
from hooks.upstream.teller import Teller
from stratum.fence import Fence
from stratum.instance import Instance
from stratum.layout import Layout
from stratum.settings import Settings
from stratum.store import Database
layout = Layout(Path(sys.argv[1]), "0" * 12)
settings = Settings(data=layout.data, fetch_hosts="127.0.0.1")
teller = Teller(Instance(settings, layout, Fence(False, 0), "127.0.0.1:1"), Database.open(layout.database))
teller.look()
teller.wait()
"""


def test_a_kill_between_what_happens_and_its_end_at_the_git_server_loses_nothing(speaking, told):
    goes_on = threading.Event()
    told.answers = [lambda _: goes_on.wait(60)]
    hook = speaking.hook()
    speaking.deliver(hook)
    data = str(speaking.side.instance.layout.data)
    killed = subprocess.Popen([sys.executable, "-c", KILLED, data])
    told.wait(1)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    goes_on.set()
    speaking.end_build()
    speaking.look()  # not before it must have ended: what it has sent could arrive after this
    assert states(told) == ["pending"]

    speaking.make_due()
    speaking.look()

    assert states(told) == ["pending", "failure"]
    assert json.loads(told.got[-1].body)["target_url"] == f"{PAGE}/builds/1/log"


@pytest.mark.parametrize(
    ("provider", "clone_path", "path", "header", "word"),
    [
        (
            "github",
            "/octo/app.git",
            f"/api/v3/repos/octo/app/statuses/{COMMIT}",
            ("authorization", f"Bearer {TOKEN}"),
            ("state", "failure"),
        ),
        (
            "gitlab",
            "/group/sub/app.git",
            f"/api/v4/projects/group%2Fsub%2Fapp/statuses/{COMMIT}",
            ("private-token", TOKEN),
            ("state", "failed"),
        ),
        (
            "gitea",
            "/octo/app.git",
            f"/api/v1/repos/octo/app/statuses/{COMMIT}",
            ("authorization", f"token {TOKEN}"),
            ("state", "failure"),
        ),
        (
            "bitbucket",
            "/team/app.git",
            f"/2.0/repositories/team/app/commit/{COMMIT}/statuses/build",
            ("authorization", f"Bearer {TOKEN}"),
            ("state", "FAILED"),
        ),
        (
            "bitbucket-dc",
            "/bb/scm/PRJ/app.git",
            f"/bb/rest/api/latest/projects/PRJ/repos/app/commits/{COMMIT}/builds",
            ("authorization", f"Bearer {TOKEN}"),
            ("state", "FAILED"),
        ),
    ],
)
def test_each_git_server_is_told_at_its_own_address_in_its_own_words(
    speaking, told, provider, clone_path, path, header, word
):
    hook = speaking.hook(provider, clone_path)
    speaking.deliver(hook)
    speaking.end_build(error="Compiling failed.")
    speaking.look()

    [one] = told.got
    assert (one.method, one.path, one.headers[header[0]]) == ("POST", path, header[1])
    assert one.headers["content-type"] == "application/json"
    assert one.json[word[0]] == word[1]
    assert one.json["description"] == "Build #1 failed: Compiling failed."
    assert f"{PAGE}/builds/1/log" in (one.json.get("target_url"), one.json.get("url"))
    assert "stratum/MyProdEnv/app02" in (one.json.get("context"), one.json.get("name"))
    assert speaking.statuses(hook)[0].told == "failure"
