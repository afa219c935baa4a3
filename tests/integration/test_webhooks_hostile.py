"""What a delivery, or the server that is fetched from, cannot have us do."""

from dataclasses import replace

import pytest

from hooks.webhooks import fetching, jobs
from stratum.model import DeliveryState
from stratum.store import webhooks
from tests.deliveries import cloud_push, cloud_ref, github_push
from tests.gitweb import PROCFILE
from tests.integration.test_webhooks import set_app, way, web
from tests.repos import git
from tests.sources import source

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures


def test_only_the_stored_address_is_fetched_from_whatever_a_delivery_names(way, tmp_path):
    way.hook()
    tip = way.source.push({"a.txt": "one"})
    with source(tmp_path / "other", PROCFILE) as other:
        names = ("clone_url", "git_url", "ssh_url", "html_url", "url", "svn_url")
        body = github_push("refs/heads/master", repository=dict.fromkeys(names, other.url))
        way.deliver(body)
        done = way.fetch()

        assert (done.state, way.deployed()) == (DeliveryState.PUSHED, [tip])
        assert other.asked == []


def test_git_connects_to_the_address_that_was_checked_and_asks_nobody_for_the_name(way, monkeypatch):
    """Else a name could lead elsewhere as soon as it was looked up here."""
    way.hook()
    way.deliver()
    port = way.source.url.rpartition(":")[2].partition("/")[0]
    with way.web.db.write() as tx:
        url = f"http://nowhere.invalid:{port}/app.git"
        webhooks.change_webhook(tx, way.newest().webhook_id, {"clone_url": url})
    monkeypatch.setattr(fetching, "look_up", lambda *_: [(2, ("127.0.0.1", int(port)))])
    settings = replace(way.parts.instance.settings, fetch_hosts="nowhere.invalid")
    instance = replace(way.parts.instance, settings=settings)
    jobs.fetch_queued(replace(way.parts, instance=instance), way.app.id)

    assert way.newest().state is DeliveryState.PUSHED
    assert way.source.asked != []


def test_objects_that_git_would_not_take_of_a_pusher_are_not_taken_of_a_server(way):
    """A tree with an entry `.git`, which a clone would write over its own."""
    way.hook()
    bare = way.source.folder / "app.git"
    blob = git(bare, "hash-object", "-w", "--stdin", stdin=b"x")
    tree = git(bare, "mktree", stdin=f"100644 blob {blob}\t.git\n".encode())
    commit = git(bare, "commit-tree", tree, "-m", "Hostile")
    git(bare, "update-ref", "refs/heads/master", commit)
    way.deliver()
    done = way.fetch()

    assert done.state is DeliveryState.FAILED
    assert "'.git'" in done.reason
    assert way.web.ref(way.app) == ""


def test_a_protected_app_follows_no_forced_push(way):
    way.hook()
    way.source.push({"a.txt": "one"})
    way.deliver()
    assert way.fetch().state is DeliveryState.PUSHED
    set_app(way, protected=True)
    git(way.elsewhere.work, "reset", "--quiet", "--hard", "HEAD~1")
    way.source.push({"b.txt": "another line of history"})
    way.deliver()
    done = way.fetch()

    assert done.state is DeliveryState.FAILED
    assert "only moves forward here" in done.reason
    assert len(way.deployed()) == 1


def test_of_several_refs_in_a_delivery_the_one_that_deploys_is_fetched(way):
    way.hook("bitbucket")
    tip = way.source.push({"a.txt": "one"})
    way.source.push({"b.txt": "not to be deployed"}, branch="topic")
    changes = [
        {"old": None, "new": cloud_ref("v1", "3" * 40, "tag")},
        {"old": cloud_ref("gone", "1" * 40), "new": None},
        {"old": None, "new": cloud_ref("master", tip)},
        {"old": None, "new": cloud_ref("topic", "4" * 40)},
    ]
    status, _ = way.deliver(cloud_push(*changes))
    done = way.fetch()

    assert (status, done.branch, done.state) == (202, "master", DeliveryState.PUSHED)
    assert way.deployed() == [tip]
    assert "topic" not in git(way.web.repo(way.app), "for-each-ref")
