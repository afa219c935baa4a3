"""A kill loses no news, and has none told twice that was told once."""

import json
import os
import signal
import subprocess
import sys
import threading

from hooks.outgoing.fanout import fan_out
from hooks.outgoing.notifier import Notifier
from stratum.model import MessageState
from tests.news import end_build


def test_nothing_is_lost_or_told_twice_by_a_kill_between_the_two_steps(telling, told):
    """Killed after the messages were made: they are there, and the news is not read again."""
    telling.subscribe(told.url)
    end_build(telling.side, telling.app)
    assert fan_out(telling.side.instance, telling.side.db) is False

    telling.notifier = Notifier(telling.side.instance, telling.side.db)
    telling.look()

    assert len(told.got) == 1


KILLED = """
import json, sys
from dataclasses import replace
from pathlib import Path
from hooks.outgoing.notifier import Notifier
from stratum.fence import Fence
from stratum.instance import Instance
from stratum.layout import Layout
from stratum.settings import Settings
from stratum.store import Database
given = json.loads(sys.argv[1])
layout = Layout(Path(given["data"]), "0" * 12)
settings = Settings(data=layout.data, hook_hosts=given["hosts"])
instance = Instance(settings, layout, Fence(False, 0), "127.0.0.1:1")
notifier = Notifier(instance, Database.open(layout.database))
notifier.look()
notifier.wait()
"""


def test_a_kill_in_the_middle_of_an_attempt_has_it_tried_again(telling, told):
    goes_on = threading.Event()
    told.answers = [lambda _: goes_on.wait(60)]
    subscriber, secret = telling.subscribe(told.url)
    end_build(telling.side, telling.app)
    layout = telling.side.instance.layout
    given = json.dumps({"data": str(layout.data), "hosts": told.place})
    killed = subprocess.Popen([sys.executable, "-c", KILLED, given])
    told.wait(1)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    goes_on.set()

    [message] = telling.messages(subscriber)
    assert (message.state, message.attempts) == (MessageState.WAITING, 1)
    telling.look()  # not before it must have ended
    assert len(told.got) == 1
    telling.make_due()
    telling.look()

    first, second = told.wait(2)
    assert first.key == second.key
    assert second.is_signed_with(secret)
    assert telling.messages(subscriber)[0].state is MessageState.DELIVERED
