"""Deliveries, pushes, cancels and kills in any order: no push that was taken is without its build."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from stratum.model import (
    BuildState,
    Credential,
    DeliveryState,
    NewDelivery,
    PushState,
    RefUpdate,
    Webhook,
)
from stratum.store import Database, builds, deliveries, environments, pushes, reserved, webhooks
from stratum.store.clock import now
from stratum.store.reserved import Reserved
from stratum.verbs import build
from stratum.webhooks import Provider
from tests.databases import new_database

HOOK = ("p", Provider.GITHUB, True, b"", (), (), "https://git.example.com/a.git", Credential.NONE, None, "me")


class Histories(RuleBasedStateMachine):
    """One app, one web hook; a push is under way from its journal row until it is accepted or rejected."""

    told = Bundle("told")
    under_way = Bundle("under_way")

    def __init__(self):
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name, "stratum.db")
        new_database(path)
        self.db = Database.open(path)
        with self.db.write() as tx:
            environment = environments.add_environment(tx, "MyProdEnv", "production", start_all=False)
            self.app = environments.add_app(tx, environment, "app02")
            webhooks.add_webhook(tx, Webhook(0, self.app.id, *HOOK, now(), now()))
            self.webhook_id = webhooks.list_webhooks(tx, self.app.id)[0].id
        self.commits = 0

    def teardown(self):
        self.db.close()
        self._folder.cleanup()

    def all_builds(self, tx):
        return builds.list_builds(tx, self.app.id, 1000)

    @rule(target=told)
    def deliver(self):
        with self.db.write() as tx:
            number = reserved.reserve(tx, self.app.id, "webhook:p").number
            new = NewDelivery("", "push", {}, 0, DeliveryState.QUEUED, "", "master", build=number)
            return deliveries.record(tx, self.app.id, self.webhook_id, new), number

    @rule(target=under_way, one=told)
    def push(self, one):
        """As the fetcher and the reception do; a second push begins only once the first is settled."""
        self.commits += 1
        commit = f"{self.commits:040}"
        with self.db.write() as tx:
            if pushes.pending(tx, self.app.id):
                return multiple()
            found = deliveries.get_delivery(tx, self.app.id, one[0])
            mine = Reserved(self.app.id, one[1])
            is_fetching = reserved.is_fetching(tx, mine)
            if found is None or found.state is not DeliveryState.QUEUED:
                return multiple()
            moves = [(RefUpdate("refs/heads/master", "0" * 40, commit), True)]
            [push] = pushes.journal(tx, self.app.id, moves, "x", web_process="1:1", receive_process="2:2")
            if is_fetching:
                reserved.belong(tx, mine, push, commit)
            return push

    @rule(push=consumes(under_way), has_moved=st.booleans())
    def settle(self, push, has_moved):
        with self.db.write() as tx:
            if has_moved:
                [made] = pushes.accept(tx, [push])
                assert made.state in (BuildState.QUEUED, BuildState.CANCELED)
                assert pushes.accept(tx, [push]) == [made]
            else:
                pushes.reject(tx, [push])

    @rule(one=told, state=st.sampled_from([DeliveryState.IGNORED, DeliveryState.FAILED]))
    def end(self, one, state):
        ended = BuildState.FAILED if state is DeliveryState.FAILED else BuildState.SKIPPED
        with self.db.write() as tx:
            deliveries.end(tx, one[0], state, "so")
            reserved.end(tx, Reserved(self.app.id, one[1]), ended, "so")

    @rule(one=told)
    def cancel(self, one):
        with self.db.write() as tx:
            found = builds.find_build(tx, self.app.id, one[1])
            if found is not None and not found.state.is_terminal:
                build.cancel(tx, self.app, one[1], who="me")

    @rule()
    def build_one(self):
        with self.db.write() as tx:
            claimed = builds.claim_next(tx, self.app.id, "1:1")
            if claimed is not None:
                assert claimed.commit
                builds.finish(tx, claimed, BuildState.FAILED, error="so")

    @rule()
    def sweep(self):
        with self.db.write() as tx:
            for one in reserved.orphans(tx):
                reserved.end(tx, one, BuildState.CANCELED, "so")
            awaited = {one.build for one in deliveries.queued(tx, self.app.id)}
            fetching = [one for one in self.all_builds(tx) if one.state is BuildState.FETCHING]
            assert all(one.number in awaited or one.push_id is not None for one in fetching)

    @invariant()
    def what_was_taken_has_its_build_and_what_was_not_has_none_to_be_built(self):
        with self.db.read() as tx:
            for one in self.all_builds(tx):
                push = None if one.push_id is None else pushes.get_push(tx, one.push_id)
                assert bool(one.commit) == (push is not None)
                if one.state is BuildState.FETCHING:
                    assert push is None or push.state is PushState.PENDING
                elif one.state in (BuildState.QUEUED, BuildState.RUNNING):
                    assert push is not None
                    assert push.state is PushState.ACCEPTED
            newest = pushes.newest(tx, self.app.id, "refs/heads/master")
            if newest is not None and newest.state is PushState.ACCEPTED:
                assert builds.build_of_push(tx, newest.id) is not None


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
