"""The checks of a commit are read as each git server's documentation has them, and ours never count."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.outgoing.reach import Allowed
from hooks.upstream import checks as module
from hooks.upstream.api import Credential, Repository, signed_in
from hooks.upstream.check import Check, State
from hooks.upstream.checks import Unseen, await_checks, checks
from hooks.upstream.exchange import Exchange
from hooks.upstream.waiting import Held, Red, TooLate, Waiting
from stratum.model import DeliveryState, RecordedDelivery
from stratum.store.clock import now
from stratum.webhooks import Provider

SHA = "a" * 40
OPEN, GREEN, RED = State.OPEN, State.GREEN, State.RED
AT = f"/api/repos/octo/app/commits/{SHA}"
GITLAB = f"/api/projects/octo%2Fapp/repository/commits/{SHA}"
CLOUD = f"/api/repositories/octo/app/commit/{SHA}/statuses"
DATA_CENTER = f"/rest/build-status/1.0/commits/{SHA}"


def exchange(told, provider, base="/api"):
    headers = signed_in(Provider(provider), Credential("", "t0ken"))
    repository = Repository(f"http://{told.place}{base}", "octo/app")
    return Exchange(Provider(provider), repository, headers, Allowed("X", lambda *_: True))


def read(told, provider, base="/api"):
    return [(one.name, one.state) for one in checks(Provider(provider), exchange(told, provider, base), SHA)]


def test_on_github_statuses_and_check_runs_count_and_suites_that_have_runs_to_come(told):
    told.pages = {
        f"{AT}/status": {
            "state": "pending",
            "statuses": [
                {"context": "ci/one", "state": "success"},
                {"context": "ci/two", "state": "error"},
                {"context": "ci/three", "state": "pending"},
                {"context": "stratum/E/app", "state": "pending"},
            ],
        },
        f"{AT}/check-runs": {
            "total_count": 4,
            "check_runs": [
                {"name": "test", "status": "completed", "conclusion": "success"},
                {"name": "docs", "status": "completed", "conclusion": "skipped"},
                {"name": "lint", "status": "completed", "conclusion": "timed_out"},
                {"name": "slow", "status": "in_progress", "conclusion": None},
            ],
        },
        f"{AT}/check-suites": {
            "check_suites": [
                {"status": "queued", "latest_check_runs_count": 0, "app": {"name": "Watches only"}},
                {"status": "in_progress", "latest_check_runs_count": 2, "app": {"name": "Actions"}},
                {"status": "completed", "latest_check_runs_count": 4, "app": {"name": "Other"}},
            ]
        },
    }

    assert read(told, "github") == [
        ("ci/one", GREEN),
        ("ci/two", RED),
        ("ci/three", OPEN),
        ("test", GREEN),
        ("docs", GREEN),
        ("lint", RED),
        ("slow", OPEN),
        ("Actions", OPEN),
    ]
    assert {(one.method, one.headers["authorization"]) for one in told.got} == {("GET", "Bearer t0ken")}
    assert told.got[0].path == f"{AT}/status?page=1&per_page=100"


def test_on_gitea_the_combined_status_has_all(told):
    rows = [
        {"context": "ci", "status": "warning"},
        {"context": "e2e", "status": "failure"},
        {"context": "stratum/E/app", "status": "failure"},
    ]
    told.pages = {f"{AT}/status": {"state": "failure", "statuses": rows}}

    assert read(told, "gitea") == [("ci", GREEN), ("e2e", RED)]


@pytest.mark.parametrize(
    ("status", "may_fail", "state"),
    [
        ("success", False, GREEN),
        ("skipped", False, GREEN),
        ("failed", False, RED),
        ("failed", True, GREEN),
        ("canceled", False, RED),
        ("manual", True, GREEN),
        ("manual", False, OPEN),
        ("created", False, OPEN),
        ("waiting_for_resource", True, OPEN),
        ("a word of tomorrow", False, OPEN),
    ],
)
def test_on_gitlab_jobs_count_as_they_are_meant(told, status, may_fail, state):
    rows = [{"name": "job", "status": status, "allow_failure": may_fail}]
    told.pages = {f"{GITLAB}/statuses": [*rows, {"name": "stratum/E/app", "status": "failed"}]}

    assert read(told, "gitlab") == [("job", state)]


def test_a_pipeline_of_gitlab_that_could_not_begin_is_a_check(told):
    told.pages = {f"{GITLAB}/statuses": [], GITLAB: {"last_pipeline": {"status": "failed"}}}
    assert read(told, "gitlab") == [("pipeline", RED)]

    told.pages[GITLAB] = {"last_pipeline": None}
    assert read(told, "gitlab") == []


@pytest.mark.parametrize(
    ("provider", "base", "path"),
    [("bitbucket", "/api", CLOUD), ("bitbucket-dc", "/rest/api/latest", DATA_CENTER)],
)
def test_on_bitbucket_builds_count(told, provider, base, path):
    rows = [
        {"key": "ci", "name": "CI", "state": "SUCCESSFUL"},
        {"key": "lint", "state": "FAILED"},
        {"key": "slow", "state": "INPROGRESS"},
        {"key": "stratum-0", "name": "stratum/E/app", "state": "FAILED"},
    ]
    told.pages = {path: {"values": rows, "isLastPage": True}}

    assert read(told, provider, base) == [("CI", GREEN), ("lint", RED), ("slow", OPEN)]


def test_pages_that_an_operator_has_made_shorter_hide_no_red_check(told):
    for number, state in enumerate(("success", "failure"), 1):
        rows = [{"context": f"ci{number}", "status": state}]
        told.pages[f"{AT}/status?page={number}&limit=50"] = {"statuses": rows}
    told.pages[f"{AT}/status"] = {"statuses": []}

    assert read(told, "gitea") == [("ci1", GREEN), ("ci2", RED)]


def test_pages_without_end_let_nothing_be_deployed(told, monkeypatch):
    monkeypatch.setattr(module, "MAX_PAGES", 3)
    for number in range(1, 4):
        row = {"key": f"ci{number}", "state": "SUCCESSFUL"}
        page = {"values": [row], "next": "https://evil.example/"}
        told.pages[f"{CLOUD}?page={number}&pagelen=100"] = page

    with pytest.raises(Unseen, match="more than 3 pages"):
        read(told, "bitbucket")
    assert [one.path.partition("?")[2] for one in told.got] == [
        f"page={number}&pagelen=100" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("said", ["text", 7, None, {"statuses": [1, {"context": 2}]}, {"statuses": {}}])
def test_what_no_git_server_says_is_no_green_check(told, said):
    told.pages = {f"{AT}/status": said} if said is not None else {}
    try:
        found = read(told, "gitea")
    except Unseen:
        return
    assert all(state is OPEN for _, state in found)


def delivery(minutes=0.0):
    return RecordedDelivery(
        id=1,
        webhook_id=1,
        app_id=1,
        delivery_id="",
        event="push",
        headers={},
        size=0,
        state=DeliveryState.QUEUED,
        reason="",
        branch="main",
        commit=SHA,
        received_at=now() - timedelta(minutes=minutes),
        repeats=0,
        build=None,
        attempts=0,
        next_at=None,
        ended_at=None,
    )


def waiting(minutes=0.0, limit_s=3600):
    return Waiting(delivery(minutes), limit_s, now())


def test_green_checks_are_waited_for_no_more():
    waiting().decide([Check("ci", GREEN), Check("lint", GREEN)])


def test_one_red_check_decides_whatever_else_is_open():
    with pytest.raises(Red) as red:
        waiting().decide([Check("slow", OPEN), Check("lint", RED)])

    assert red.value.reason == "the check 'lint' of aaaaaaa has failed"
    assert not isinstance(red.value, TooLate)


def test_open_checks_are_waited_for_longer_and_longer_up_to_the_limit():
    pauses = []
    for minutes in (0, 5, 50, 59.9):
        with pytest.raises(Held, match=r"^it waits for the checks 'slow' of aaaaaaa$") as held:
            waiting(minutes).decide([Check("slow", OPEN), Check("ci", GREEN)])
        pauses.append((held.value.until - now()).total_seconds())
    assert pauses[0] < pauses[1] < pauses[2]
    assert pauses[3] < pauses[1]  # not beyond the limit

    with pytest.raises(TooLate) as late:
        waiting(60).decide([Check("slow", OPEN)])
    assert late.value.reason == "it has waited 60 minutes for the checks 'slow' of aaaaaaa"


def test_without_any_check_nothing_is_deployed_and_that_is_told_sooner():
    with pytest.raises(Held):
        waiting(9).decide([])
    with pytest.raises(TooLate, match="10 minutes for a check of aaaaaaa: there is none yet"):
        waiting(10).decide([])


def test_checks_that_cannot_be_seen_are_waited_for(told):
    told.answers = [401]
    with pytest.raises(Held, match="cannot be seen: answered 401: no"):
        await_checks(exchange(told, "gitea"), waiting())
    told.answers = [503]
    with pytest.raises(TooLate, match="cannot be seen: answered 503"):
        await_checks(exchange(told, "gitea"), waiting(60))


@given(st.lists(st.builds(Check, st.text(max_size=5), st.sampled_from(State)), max_size=5), st.floats(0, 90))
def test_only_green_checks_alone_let_anything_be_deployed(found, minutes):
    try:
        replace(waiting(minutes)).decide(found)
    except (Held, Red):
        assert not found or any(one.state is not GREEN for one in found)
    else:
        assert found
        assert all(one.state is GREEN for one in found)
