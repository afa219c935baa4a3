"""`stratum notifications`, against a receiver that is told for real."""

import threading
from dataclasses import replace

import pytest

from hooks.outgoing.notifier import Notifier
from tests.receiver import receiver


@pytest.fixture
def told(side):
    """A receiver that the operator allows, and somebody who sends, as the web process does."""
    with receiver() as made:
        settings = replace(side.instance.settings, hook_hosts=made.place)
        side.instance = replace(side.instance, settings=settings)
        notifier, is_over = Notifier(side.instance, side.db), threading.Event()

        def send():
            while not is_over.wait(0.02):
                notifier.look()

        sending = threading.Thread(target=send)
        sending.start()
        yield made
        is_over.set()
        sending.join()
        notifier.wait()


@pytest.fixture
def run(told, side, terminal):
    side.app()

    def run(*arguments, code=0):
        said = terminal("-E", "MyProdEnv", "-A", "app02", "notifications", *arguments)
        assert said.code == code, said.err
        return said

    return run


def test_add_test_look_and_remove(run, told):
    said = run("add", "ops", told.url + "?token=geheim", "--on", "build.failed", "--on", "release.*")
    secret = said.out.strip()
    assert said.err == (
        f"News of MyProdEnv/app02 go to {told.url}?….\n"
        "This is shown once; the receiver needs it to check signatures:\n"
        "Next: stratum notifications test ops\n"
    )

    assert run("test", "ops").err.startswith("It has arrived (answered 204 after ")
    [got] = told.wait(1)
    assert got.is_signed_with(secret)
    assert got.json["type"] == "notification.test"

    heading, row = run().out.splitlines()
    assert heading.split() == ["NAME", "CHANNEL", "URL", "EVENTS", "ENABLED", "WAITING", "DEAD"]
    assert row.split() == ["ops", "webhook", f"{told.url}?…", "build.failed,", "release.*", "yes", "0", "0"]
    [message] = run("messages", "ops", "--json").rows
    assert (message["id"], message["status"]) == (got.key, "delivered")
    assert run("messages", "ops", "--dead").out.splitlines()[1:] == []
    heading, row = run("attempts", "ops", got.key).out.splitlines()
    assert heading.split() == ["AT", "STATUS", "SECONDS", "ERROR", "ANSWER"]
    assert row.split()[1] == "204"
    assert run("attempts", "ops", got.key, "--json").rows[0]["body"] == got.body.decode()
    assert "geheim" not in run("show", "ops").out
    assert run("remove", "ops").err == "Removed ops.\n"
    assert run("--json").rows == []


def test_what_does_not_arrive_is_said_and_can_be_replayed(run, told):
    told.answers = [500, 204]
    run("add", "ops", told.url)

    said = run("test", "ops", code=1)
    assert said.err == "It has not arrived: answered 500. It is tried again until a day has passed.\n"
    [message] = run("messages", "ops", "--json").rows
    assert run("replay", "ops", message["id"]).err == "1 sent to ops once more.\n"
    first, second = told.wait(2)
    assert first.key == second.key == message["id"]


def test_disable_enable_rotate_and_replay_the_dead(run, told):
    secret = run("add", "ops", told.url).out.strip()
    assert run("disable", "ops").err == "ops is told nothing any more.\n"
    assert run("test", "ops", code=1).err.splitlines() == [
        "ops is told nothing: switched off.",
        "Switch it on again: stratum notifications enable ops.",
    ]
    assert run("enable", "ops").err == "ops is told from now on.\n"
    assert run("enable", "ops").err == "ops is told already; nothing changed.\n"
    rotated = run("rotate", "ops").out.strip()
    run("test", "ops")
    assert run("replay", "ops", "--dead").err == "0 sent to ops once more.\n"
    [got] = told.wait(1)
    assert rotated != secret
    assert got.is_signed_with(secret) and got.is_signed_with(rotated)


def test_wrong_usage_and_what_cannot_be_sent_to_are_said(run, told):
    assert "Name a message, or give --dead; not both." in run("replay", "ops", code=2).err
    said = run("add", "ops", "http://127.0.0.1:1/", code=1)
    assert said.err.splitlines() == [
        "127.0.0.1 can be told by https only.",
        "Give https://…, or have the operator allow it: STRATUM_HOOK_HOSTS=127.0.0.1:1.",
    ]
    assert run("show", "none", code=1).err.startswith("There is no notification")
