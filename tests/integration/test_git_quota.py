"""Limits of an app, met by a real git: the pusher is told which, and by what command it can be raised."""

import re
from random import Random

import pytest
from sqlalchemy import update

from stratum.store.tables import apps
from tests.gitweb import FakeBuilder, run_git, served
from tests.repos import commit

pytestmark = pytest.mark.integration

REJECTED = re.compile(r"! \[remote rejected\] master -> master \((.+)\)")
MIB = 1 << 20


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def limit(web, app, **limits: int) -> None:
    with web.db.write() as tx:
        tx.execute(update(apps).where(apps.c.id == app.id).values(**limits))


@pytest.mark.parametrize("sent_mib", [2, 9])  # git has ended long before the larger one has been sent
def test_push_over_the_apps_limit_is_refused_in_gits_own_line(web, sent_mib):
    app, source = web.new_app(), web.source(f"large-{sent_mib}")
    limit(web, app, max_push_bytes=MIB)
    commit(source, {"noise": Random(3).randbytes(sent_mib * MIB)})

    pushed = run_git(source, "push", web.url(app), "master")

    assert pushed.code == 1, pushed.said
    assert REJECTED.findall(pushed.said) == [
        f"The push is larger than the 1 MiB that {app.name} takes at once. Push in parts, or ask for more: "
        f"stratum apps set {app.name} -E MyProdEnv --max-push SIZE"
    ]
    assert (web.ref(app), web.objects(app)) == ("", [])


def test_push_beyond_the_quota_is_refused_and_what_makes_no_larger_is_taken(web):
    app, source = web.new_app(), web.source("full")
    commit(source, {"noise": Random(4).randbytes(MIB)})
    run_git(source, "push", web.url(app), "master", "master:topic")
    limit(web, app, max_repo_bytes=MIB)
    objects = web.objects(app)
    commit(source, {"more": "1"})

    refused = run_git(source, "push", web.url(app), "master")
    deleted = run_git(source, "push", web.url(app), ":topic")

    assert refused.code == 1
    (reason,) = REJECTED.findall(refused.said)
    assert reason.startswith(f"The repository of {app.name} holds 1 MiB of the 1 MiB that it may")
    assert web.objects(app) == objects
    assert deleted.code == 0, deleted.said
