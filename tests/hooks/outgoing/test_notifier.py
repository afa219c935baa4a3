"""News reach whom they are for: signed, again where they do not arrive, and without a loss through kills."""

import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from hooks.outgoing import backoff, http
from hooks.outgoing.backoff import AFTER_S
from stratum.model import MessageState, NewsKind
from stratum.secrets import seal, unseal
from stratum.store import environments, messages, subscribers
from stratum.store.clock import now
from stratum.subscribing import Wire
from stratum.verbs import notifications
from tests.news import end_build
from tests.receiver import receiver
from tests.webside import COMMIT

DEAD, WAITING, DELIVERED = MessageState.DEAD, MessageState.WAITING, MessageState.DELIVERED


def test_a_release_is_told_signed_and_in_order(telling, told):
    subscriber, secret = telling.subscribe(told.url + "?token=1")
    telling.side.release(telling.app)

    telling.look()

    build, release = told.wait(2)
    assert build.path == "/told?token=1"
    assert (build.json["type"], release.json["type"]) == ("build.succeeded", "release.live")
    assert build.json["data"]["app"] == {
        "environment": "MyProdEnv",
        "name": "app02",
        "url": "http://app02.myprodenv.localhost:8080",
    }
    assert (build.json["data"]["build"]["commit"], build.json["data"]["build"]["number"]) == (COMMIT, 1)
    assert release.json["data"]["release"]["version"] == 1
    assert build.headers["content-type"] == "application/json"
    assert build.is_signed_with(secret) and release.is_signed_with(secret)
    assert build.key != release.key
    assert {one.state for one in telling.messages(subscriber)} == {DELIVERED}
    [attempt] = telling.attempts(telling.messages(subscriber)[0])
    assert (attempt.status, attempt.error) == (204, "")


def test_each_gets_what_it_wants_of_its_own_app(telling, told):
    other = telling.side.app("other")
    wants, _ = telling.subscribe(told.url, "failures", "build.failed", "process.*")
    theirs, _ = telling.subscribe(told.url, "theirs", app=other)
    stopped, _ = telling.subscribe(told.url, "stopped")
    with telling.side.db.write() as tx:
        notifications.switch(tx, stopped, on=False)
    telling.side.release(telling.app)
    end_build(telling.side, telling.app)

    telling.look()

    assert [one.json["type"] for one in told.got] == ["build.failed"]
    assert [len(telling.messages(one)) for one in (wants, theirs, stopped)] == [1, 0, 0]


def test_what_was_before_a_subscriber_came_is_not_told_to_it(telling, told):
    telling.side.release(telling.app)
    telling.subscribe(told.url)

    telling.look()

    assert told.got == []


def test_what_fails_is_tried_again_later_under_the_same_id_with_a_signature_of_its_own(
    telling, told, monkeypatch
):
    monkeypatch.setattr(backoff, "AFTER_S", (3600,))
    told.answers = [500]
    subscriber, secret = telling.subscribe(told.url)
    end_build(telling.side, telling.app)

    telling.look()
    [message] = telling.messages(subscriber)
    telling.look()  # nothing is due

    assert (message.state, message.attempts, len(told.got)) == (WAITING, 1, 1)
    assert message.due_at > now()
    telling.make_due()
    telling.look()
    first, second = told.wait(2)
    assert (first.key, first.body) == (second.key, second.body)
    assert second.is_signed_with(secret)
    [message] = telling.messages(subscriber)
    assert (message.state, message.attempts) == (DELIVERED, 2)
    assert [one.error for one in telling.attempts(message)] == ["answered 500", ""]
    assert telling.attempts(message)[0].answer == "no\n"  # without what moves a terminal's cursor


def test_after_a_day_it_is_dead_until_it_is_replayed(telling, told):
    told.answers = [503] * (len(AFTER_S) + 1)
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)

    for _ in range(len(AFTER_S) + 3):
        telling.make_due()
        telling.look()

    [message] = telling.messages(subscriber)
    assert (message.state, message.attempts, len(told.got)) == (DEAD, len(AFTER_S) + 1, len(AFTER_S) + 1)
    with telling.side.db.write() as tx:
        assert notifications.replay_dead(tx, subscriber) == 1
    telling.look()
    [message] = telling.messages(subscriber)
    assert message.state is DELIVERED
    assert {one.key for one in told.got} == {message.key}


def test_who_asks_for_more_time_gets_it(telling, told):
    told.answers = [429]
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)

    telling.look()

    [message] = telling.messages(subscriber)
    assert message.due_at > now() + timedelta(hours=1.9)


def test_who_has_gone_is_told_no_more_and_its_messages_can_be_replayed(telling, told):
    told.answers = [410]
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)
    end_build(telling.side, telling.app)

    telling.look()
    end_build(telling.side, telling.app)
    telling.look()

    assert len(told.got) == 1
    assert [one.state for one in telling.messages(subscriber)] == [DEAD, DEAD]
    with telling.side.db.read() as tx:
        assert "410" in subscribers.get_subscriber(tx, subscriber.id).stopped


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(telling, told, status):
    told.answers = [status]
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)

    telling.look()

    assert [one.path for one in told.got] == ["/told"]
    [attempt] = telling.attempts(telling.messages(subscriber)[0])
    assert attempt.error == f"answered {status}: redirects are not followed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_reached_unless_the_operator_allows_it(telling, told, host):
    telling.allow()
    subscriber, _ = telling.subscribe(f"https://{host}:{told.server.server_port}/")
    end_build(telling.side, telling.app)

    telling.look()

    [message] = telling.messages(subscriber)
    [attempt] = telling.attempts(message)
    assert (attempt.status, told.got) == (None, [])
    assert "is this server, or in a private network" in attempt.error
    assert message.state is WAITING


def test_http_ends_when_the_operator_allows_it_no_more(telling, told):
    subscriber, _ = telling.subscribe(told.url)
    telling.allow()
    end_build(telling.side, telling.app)

    telling.look()

    [attempt] = telling.attempts(telling.messages(subscriber)[0])
    assert attempt.error == "127.0.0.1 can be told by https only."


def test_who_answers_drop_by_drop_is_left(telling, told, monkeypatch):
    monkeypatch.setattr(http, "LIMIT_S", 0.3)
    is_over = threading.Event()

    def drip(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not is_over.wait(0.05):
            try:
                handler.wfile.write(b"x: y\r\n")
            except OSError:
                return

    told.answers = [drip]
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)
    telling.look()
    is_over.set()

    [attempt] = telling.attempts(telling.messages(subscriber)[0])
    assert attempt.error.startswith("no whole answer within")
    assert telling.messages(subscriber)[0].state is WAITING


def garbage(handler):
    handler.close_connection = True
    handler.wfile.write(b"\0\xff\n" * 50_000)


def endless(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(1 << 40))
    handler.end_headers()
    handler.wfile.write(b"x" * 100_000)


def nothing(handler):
    handler.close_connection = True


@pytest.mark.parametrize(("answer", "state"), [(garbage, WAITING), (nothing, WAITING), (endless, DELIVERED)])
def test_an_odd_answer_is_an_answer_or_a_failure_and_ends_nothing(telling, told, answer, state):
    told.answers = [answer]
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)

    telling.look()

    [message] = telling.messages(subscriber)
    [attempt] = telling.attempts(message)
    assert message.state is state
    assert bool(attempt.error) is (state is WAITING)
    assert len(attempt.answer) <= http.MAX_ANSWER_BYTES


def test_a_slow_subscriber_holds_up_nobody_else(telling, told):
    goes_on = threading.Event()
    told.answers = [lambda _: goes_on.wait(60)]
    slow, _ = telling.subscribe(told.url, "slow")
    end_build(telling.side, telling.app)
    telling.notifier.look()
    told.wait(1)
    with receiver() as other:
        notifier = telling.notifier
        telling.allow(told.place, other.place)
        fast, _ = telling.subscribe(other.url, "fast")
        end_build(telling.side, telling.app)
        telling.notifier.look()
        [got] = other.wait(1)
        assert got.json["type"] == "build.failed"
        assert telling.messages(slow)[-1].state is WAITING
        goes_on.set()
        notifier.wait()
        telling.notifier.wait()
    assert telling.messages(fast)[0].state is DELIVERED


def test_two_secrets_sign_for_a_day_after_a_rotation(telling, told):
    subscriber, old = telling.subscribe(told.url)
    key = telling.side.instance.layout.config_key
    wire = Wire.read(unseal(key, subscriber.sealed)).rotated(now())
    with telling.side.db.write() as tx:
        subscribers.reseal(tx, subscriber.id, seal(key, wire.kept()))
    end_build(telling.side, telling.app)

    telling.look()

    [got] = told.wait(1)
    assert got.is_signed_with(old) and got.is_signed_with(wire.secret)


def test_a_subscriber_that_is_removed_meanwhile_leaves_nothing(telling, told, caplog):
    def remove(handler):
        with telling.side.db.write() as tx:
            subscribers.remove_subscriber(tx, subscriber.id)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    told.answers = [remove]
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)
    end_build(telling.side, telling.app)

    telling.look()

    assert len(told.got) == 1
    assert telling.messages(subscriber) == []
    assert [record for record in caplog.records if record.exc_info] == []


def test_an_app_that_is_gone_tells_nobody(telling, told):
    telling.subscribe(told.url)
    end_build(telling.side, telling.app)
    with telling.side.db.write() as tx:
        environments.remove_app(tx, telling.app.id)

    telling.look()

    assert told.got == []


def test_a_server_that_tells_nobody_anything_loads_nothing_for_it(telling):
    """Memory is dear: what sending needs is loaded with the first message."""
    code = "import hooks.settler, sys; print('hooks.outgoing.http' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_waits_is_bounded(telling, told, monkeypatch):
    monkeypatch.setattr(messages, "MAX_WAITING", 3)
    monkeypatch.setattr(messages, "KEPT", 4)
    subscriber, _ = telling.subscribe(told.url)
    with telling.side.db.write() as tx:
        for _ in range(9):
            messages.add_message(tx, subscriber.id, NewsKind.TEST, "{}")
        assert messages.counts(tx, subscriber.id) == {WAITING: 3, DELIVERED: 0, DEAD: 4}


def test_many_are_told_at_once_and_each_once(telling, told):
    made = [telling.subscribe(told.url, f"s{number}")[0] for number in range(12)]
    for _ in range(3):
        end_build(telling.side, telling.app)

    telling.look()

    assert len(told.wait(36)) == 36
    assert len({one.key for one in told.got}) == 36
    assert all(one.state is DELIVERED for subscriber in made for one in telling.messages(subscriber))


def test_where_no_thread_can_be_started_news_are_told_once_one_can(telling, told, monkeypatch):
    """A process may have as many as it is allowed."""
    subscriber, _ = telling.subscribe(told.url)
    end_build(telling.side, telling.app)

    def full(_self):
        message = "can't start new thread"
        raise RuntimeError(message)

    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", full)
        telling.look()
    telling.look()

    assert [one.state for one in telling.messages(subscriber)] == [DELIVERED]
