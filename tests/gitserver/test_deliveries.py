"""What a git server is answered, for each provider and each fault; and what is written down of it."""

import base64
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitserver import places
from gitserver.services import services_of
from stratum.model import DeliveryState
from stratum.store import deliveries
from stratum.webhooks import Provider
from tests.deliveries import encoded, generic_push, headers, push, standard_headers
from tests.webside import WebSide

WEBHOOKS = "/api/apps/MyProdEnv/app02/webhooks"
OTHER = "whsec_" + "QUFB" * 10 + "QUE="
PROVIDERS = [one.value for one in Provider]
CLONE_URL = "https://git.example.com/octo/app.git"


class Hook:
    """A web hook, and whoever delivers to it."""

    def __init__(self, side, client, provider):
        self.side, self.provider = side, provider
        self._client = client
        self.places = services_of(client.application).places
        self._admin = {"Authorization": f"Bearer {side.admin}"}
        self.app = side.app()
        made = self.api("POST", "", {"provider": provider, "clone_url": CLONE_URL})
        self.id, self.secret, self.path = made["id"], made["secret"], made["path"]

    def api(self, method, below, body=None):
        answer = self._client.open(f"{WEBHOOKS}{below}", method=method, json=body, headers=self._admin)
        assert answer.status_code < 300, answer.get_json()
        return answer.get_json()

    def try_change(self, public_id, **values):
        answer = self._client.patch(f"{WEBHOOKS}/{public_id}", json=values, headers=self._admin)
        return answer.status_code, answer.get_json()

    def send(self, body=None, *, secret="", path="", sent=None, **more):
        data = encoded(push(self.provider, "main") if body is None else body)
        given = headers(self.provider, data, secret or self.secret) if sent is None else sent
        answer = self._client.post(path or self.path, data=data, headers={**given, **more})
        return answer.status_code, answer.get_json()

    def newest(self):
        with self.side.db.read() as tx:
            return deliveries.list_deliveries(tx, self.app.id, 1)[0]

    def count(self):
        with self.side.db.read() as tx:
            return len(deliveries.list_deliveries(tx, self.app.id, 100))


@pytest.fixture
def hook(tmp_path_factory, request):
    side = WebSide.make(tmp_path_factory.mktemp("s") / "data")
    with side.client() as client:
        yield Hook(side, client, getattr(request, "param", "github"))
    side.close()


EACH = pytest.mark.parametrize("hook", PROVIDERS, indirect=True)


def deleted(provider):
    text = json.dumps(push(provider, "main"))
    body = json.loads(text.replace("2" * 40, "0" * 40))
    if provider == "bitbucket":
        body["push"]["changes"][0]["new"] = None
    return body


@EACH
def test_what_is_to_be_fetched_is_202_once(hook):
    status, said = hook.send()

    assert (status, said["verdict"], said["delivery"]) == (202, "queued", hook.newest().id)
    assert hook.newest().state is DeliveryState.QUEUED
    status, again = hook.send()
    assert (status, again["verdict"], again["delivery"]) == (200, "repeated", said["delivery"])
    assert (hook.count(), hook.newest().repeats) == (1, 1)


@EACH
def test_a_signature_with_another_secret_is_401_and_told_in_the_record(hook):
    status, said = hook.send(secret=OTHER)

    assert (status, said["error"]) == (401, "bad-signature")
    assert hook.newest().state is DeliveryState.REFUSED
    assert "secret" in hook.newest().reason


@EACH
def test_no_signature_is_401(hook):
    assert hook.send(sent={"Content-Type": "application/json"})[0] == 401


@EACH
def test_what_cannot_be_read_is_400_if_it_is_signed(hook):
    assert hook.send(b"{")[0] == 400
    assert hook.newest().state is DeliveryState.REFUSED
    assert hook.send(b"{", secret=OTHER)[0] == 401


@EACH
def test_a_disabled_web_hook_answers_403_to_those_who_know_its_secret(hook):
    assert hook.api("PATCH", f"/{hook.id}", {"enabled": False})["changed"] is True

    assert hook.send()[0] == 403
    assert hook.send(secret=OTHER)[0] == 401


@EACH
def test_an_address_that_is_none_is_404_whatever_is_sent(hook):
    other = "gitea" if hook.provider != "gitea" else "github"
    for path in (f"/hooks/{hook.provider}/{'0' * 32}", f"/hooks/{other}/{hook.id}", "/hooks/nobody/x"):
        assert hook.send(path=path)[0] == 404
    assert hook.count() == 0


@EACH
def test_what_is_too_large_is_413(hook):
    assert hook.send(b" " * ((25 << 20) + 1), sent={})[0] == 413
    assert hook.newest().reason == "it is larger than 25 MiB"


@EACH
def test_what_deploys_nothing_is_200_with_the_reason(hook):
    for body, reason in (
        (push(hook.provider, "topic"), "topic is not among its branches (master, main)"),
        (deleted(hook.provider), "main was deleted, which deploys nothing"),
    ):
        status, said = hook.send(body)
        assert (status, said["verdict"], said["reason"]) == (200, "ignored", reason)
        assert hook.newest().reason == reason


def test_a_ping_is_answered(hook):
    status, said = hook.send({"zen": "x"}, **{"X-GitHub-Event": "ping"})

    assert (status, said["verdict"], said["reason"]) == (200, "ignored", "a ping; all is well")


def test_a_commit_may_ask_to_be_left_out(hook):
    body = push("github", "main")
    body["head_commit"]["message"] = "Fix a word\n\n[skip deploy]"

    assert hook.send(body)[1]["reason"] == "the newest commit of main says [skip deploy]"


def test_patterns_of_branches_and_files_decide(hook):
    hook.api("PATCH", f"/{hook.id}", {"branches": ["release/*", "!release/0"], "paths": ["src/**"]})

    assert hook.send(push("github", "main"))[0] == 200
    assert hook.send(push("github", "release/0"))[0] == 200
    assert hook.send(push("github", "release/1"))[0] == 202


def test_after_a_rotation_both_secrets_are_live_and_at_once_only_the_new_one(hook):
    new = hook.api("POST", f"/{hook.id}/rotate", {})["secret"]

    assert hook.send(push("github", "topic"))[0] == 200
    assert hook.send(push("github", "topic"), secret=new)[0] == 200
    last = hook.api("POST", f"/{hook.id}/rotate", {"at_once": True})["secret"]
    assert hook.send(push("github", "topic"), secret=new)[0] == 401
    assert hook.send(push("github", "topic"), secret=last)[0] == 200


@pytest.mark.parametrize("hook", ["generic"], indirect=True)
def test_what_was_sent_long_ago_is_refused(hook):
    body = encoded(generic_push())
    key = base64.b64decode(hook.secret.removeprefix("whsec_"))
    sent = standard_headers(body, key, at=time.time() - 3600)

    assert hook.send(body, sent=sent)[0] == 401


def test_those_who_send_slowly_hold_no_more_than_their_own_places(hook, monkeypatch):
    """No sign-in stands before them, so that whoever knows an address could take every thread."""
    monkeypatch.setattr(places, "WAIT_S", 0.01)
    budget = hook.places.deliveries
    assert [budget.take() for _ in range(budget.size)] == [True] * budget.size

    status, said = hook.send()
    hook.api("GET", "")  # others are served

    assert (status, said["error"]) == (503, "unavailable")
    budget.leave()
    assert hook.send()[0] == 202
    assert hook.send()[0] == 200  # each gives its place back


def test_one_who_sends_what_is_refused_again_and_again_fills_no_record(hook):
    for _ in range(30):
        hook.send(secret=OTHER)

    assert hook.count() < 30


def test_what_a_sender_signs_in_elsewhere_with_is_masked(hook):
    """Between it and us there may be something else that asks for a key."""
    assert hook.send(**{"X-Api-Key": "s3cret", "X-Auth": "s3cret", "X-Event-Key": "shown"})[0] == 202

    shown = hook.newest().headers
    assert (shown["x-api-key"], shown["x-auth"], shown["x-event-key"]) == ("(masked)", "(masked)", "shown")


def test_the_record_is_bounded(hook, monkeypatch):
    monkeypatch.setattr(deliveries, "KEPT", 25)
    monkeypatch.setattr(deliveries, "BODIES_KEPT", 5)
    for number in range(60):
        body = encoded(push("github", "topic"))
        assert hook.send(body, sent=headers("github", body, hook.secret, f"d-{number}"))[0] == 200

    assert 25 <= hook.count() < 25 + deliveries.PRUNE_EVERY
    with hook.side.db.read() as tx:
        kept = [deliveries.body_of(tx, one.id) for one in deliveries.list_deliveries(tx, hook.app.id, 100)]
    assert kept[0]
    assert not kept[-1]


def test_the_records_of_all_web_hooks_are_bounded_whichever_deliver_in_turns(hook, monkeypatch):
    """Of two web hooks of one repository one always has the odd numbers, and the other the even ones."""
    monkeypatch.setattr(deliveries, "KEPT", 5)
    other = hook.api("POST", "", {"provider": "github", "clone_url": CLONE_URL})
    body = encoded(push("github", "topic"))
    for number in range(2 * deliveries.PRUNE_EVERY):
        for secret, path in ((hook.secret, hook.path), (other["secret"], other["path"])):
            sent = headers("github", body, secret, f"d-{number}")
            assert hook.send(body, path=path, sent=sent)[0] == 200

    assert hook.count() <= 2 * 5 + deliveries.PRUNE_EVERY


def test_a_token_is_given_to_no_other_server_than_the_one_it_was_given_for(hook):
    asked = {"provider": "github", "clone_url": CLONE_URL, "user": "me", "token": "s3cret"}
    made = hook.api("POST", "", asked)["id"]

    for url in ("https://evil.example.com/octo/app.git", "https://git.example.com:8443/octo/app.git"):
        status, said = hook.try_change(made, clone_url=url)
        assert (status, said["error"]) == (409, "conflict")
        assert "would be given it" in said["message"]
        assert hook.try_change(hook.id, clone_url=url)[0] == 200  # which has none
    assert hook.api("GET", f"/{made}")["clone_url"] == CLONE_URL
    assert hook.try_change(made, clone_url="https://git.example.com/octo/renamed.git")[0] == 200


PRINTABLE = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
NAMES = ["X-GitHub-Event", "X-Hub-Signature-256", "Content-Type", "X-GitHub-Delivery", "X-A"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=100) | st.sampled_from([b"[" * 5000, b'{"ref": 1}', b"payload=%7B%7D"]),
    sent=st.dictionaries(st.sampled_from(NAMES), st.text(PRINTABLE, max_size=30)),
    is_signed=st.booleans(),
)
def test_whatever_is_sent_is_never_a_500(hook, body, sent, is_signed):
    given_ = {**(headers("github", body, hook.secret) if is_signed else {}), **sent}

    assert hook.send(body, sent=given_)[0] in (200, 202, 400, 401)
