"""A web hook that waits for checks deploys a commit once its git server says that they are green."""

import os
import signal
from datetime import timedelta

import pytest

from stratum.model import DeliveryState
from tests.deliveries import github_push
from tests.integration.test_kill_webhooks import fetcher
from tests.integration.test_webhooks import way, web
from tests.receiver import Receiver, receiver
from tests.road import Road
from tests.sources import Source

pytestmark = pytest.mark.integration

__all__ = ["way", "web"]  # fixtures
QUEUED, PUSHED, IGNORED, FAILED = (
    DeliveryState.QUEUED,
    DeliveryState.PUSHED,
    DeliveryState.IGNORED,
    DeliveryState.FAILED,
)


class Forge:
    """The API of the git server, and who pushes there."""

    def __init__(self, way: Road, told: Receiver) -> None:
        self.way, self.told = way, told
        assert isinstance(way.source, Source)
        self.source = way.source
        (self.source.folder / "octo").symlink_to(".")
        self.source.url = self.source.url.replace("/app.git", "/octo/app.git")
        self.hook = way.hook("github")
        api = {"status_token": "s3cret", "statuses": False, "api_url": f"http://{told.place}"}
        way.api("PATCH", f"/{self.hook}", {"wait_for_ci": True, **api})

    def push(self, text: str) -> str:
        """Push, and have that delivered."""
        tip = self.source.push({"a.txt": text})
        status, _ = self.way.deliver(github_push("refs/heads/master", after=tip))
        assert status == 202
        return tip

    def say(self, commit: str, state: str) -> None:
        self.told.pages[f"/repos/octo/app/commits/{commit}/status"] = {
            "statuses": [{"context": "ci/test", "state": state}]
        }
        for name in ("check-runs", "check-suites"):
            self.told.pages[f"/repos/octo/app/commits/{commit}/{name}"] = {}

    def tell(self, commit: str) -> tuple[int, str]:
        """Have the git server tell that a status has changed; its state is not believed."""
        body = {"sha": commit, "state": "success", "context": "ci/test"}
        status, said = self.way.deliver(body, event="status")
        return status, said["reason"]

    def queued(self) -> list[str]:
        rows = self.way.api("GET", "/deliveries")
        return [row["reason"] for row in rows if row["verdict"] == "queued"]  # type: ignore[index]

    def verdict(self, commit: str) -> tuple[str, str]:
        rows = self.way.api("GET", "/deliveries")
        found = [row for row in rows if row["commit"] == commit]  # type: ignore[index]
        return found[0]["verdict"], found[0]["reason"]  # type: ignore[index]


@pytest.fixture
def forge(way):
    with receiver() as told:
        yield Forge(way, told)


def test_a_commit_is_deployed_when_its_checks_are_green_and_not_before(forge):
    tip = forge.push("one")
    forge.say(tip, "pending")
    forge.way.fetch()
    assert forge.verdict(tip) == ("queued", f"it waits for the checks 'ci/test' of {tip[:7]}")
    assert forge.way.deployed() == []
    assert forge.way.newest().next_at is not None
    assert {one.path.partition("?")[0].rpartition("/")[2] for one in forge.told.got} == {
        "status",
        "check-runs",
        "check-suites",
    }
    forge.say(tip, "success")
    assert forge.tell(tip) == (200, f"it tells of checks of {tip[:7]}")
    forge.way.fetch()

    assert forge.verdict(tip) == ("pushed", "")
    assert forge.way.deployed() == [tip]
    assert forge.told.got[0].headers["authorization"] == "Bearer s3cret"


def test_what_an_event_says_is_not_believed(forge):
    tip = forge.push("one")
    forge.say(tip, "pending")
    forge.way.fetch()
    forge.tell(tip)
    forge.way.fetch()

    assert (forge.verdict(tip)[0], forge.way.deployed()) == ("queued", [])


def test_an_event_that_is_lost_is_made_up_for_by_looking_again(forge):
    tip = forge.push("one")
    forge.say(tip, "pending")
    forge.way.fetch()
    forge.say(tip, "success")
    forge.way.hold_no_longer()
    forge.way.fetch()

    assert forge.way.deployed() == [tip]


def test_a_red_check_is_named_and_its_commit_not_deployed_until_a_replay_finds_it_green(forge):
    tip = forge.push("one")
    forge.say(tip, "failure")
    forge.way.fetch()

    assert forge.verdict(tip) == ("ignored", f"the check 'ci/test' of {tip[:7]} has failed")
    assert forge.way.deployed() == []
    forge.say(tip, "success")
    number = forge.way.newest().id
    forge.way.api("POST", f"/deliveries/{number}/replay")
    forge.way.fetch()
    assert forge.way.deployed() == [tip]


def test_after_the_limit_it_has_failed_with_what_it_waited_for(forge):
    forge.way.api("PATCH", f"/{forge.hook}", {"ci_limit_s": 120})
    tip = forge.push("one")
    forge.say(tip, "pending")
    forge.way.fetch()
    forge.way.make_older(timedelta(seconds=121))
    forge.way.fetch()

    reason = f"it has waited 2 minutes for the checks 'ci/test' of {tip[:7]}"
    assert forge.verdict(tip) == ("failed", reason)


def test_each_commit_waits_for_its_own_checks_and_what_is_deployed_never_goes_back(forge):
    first, second, third = (forge.push(text) for text in ("one", "two", "three"))
    for commit in (first, second, third):
        forge.say(commit, "pending")
    forge.way.fetch()
    assert len(forge.queued()) == 3
    forge.say(second, "success")
    forge.tell(second)
    forge.way.fetch()
    assert forge.way.deployed() == [second]  # not the third, at which the branch is

    forge.say(first, "success")
    forge.tell(first)
    forge.way.fetch()
    late = "a later commit was deployed before its checks had ended"
    assert forge.verdict(first) == ("ignored", late)
    forge.say(third, "success")
    forge.tell(third)
    forge.way.fetch()
    assert forge.way.deployed() == [second, third]


def test_a_commit_that_its_branch_has_left_is_not_deployed(forge):
    first = forge.push("one")
    forge.source.reset()
    second = forge.push("another line")
    forge.say(first, "success")
    forge.say(second, "pending")
    forge.way.fetch()

    assert forge.verdict(first) == ("ignored", f"master has left {first[:7]} meanwhile")
    assert forge.way.deployed() == []


def test_a_fetcher_that_is_killed_while_it_asks_has_it_asked_again(forge):
    tip = forge.push("one")
    forge.say(tip, "success")
    forge.way.web.arm("fetch.begun")
    with fetcher(forge.way) as process:
        os.kill(forge.way.web.reached("fetch.begun"), signal.SIGKILL)
        process.wait(60)
    forge.way.fetch()

    assert forge.way.deployed() == [tip]
