"""When a server has been silent for too long; with real ones: `test_fetching_by_ssh`."""

import asyncio
from typing import Any, cast

import pytest

from hooks.webhooks.ssh.client import Stalled, Talk, carry_out, hear
from hooks.webhooks.ssh.order import Order, Verdict


class Server:
    """Says nothing, and ends after a while, if ever."""

    def __init__(self, ends_after_s: float | None) -> None:
        self.stdout = self
        self._ends_after_s = ends_after_s

    async def read(self, _: int) -> bytes:
        if self._ends_after_s is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self._ends_after_s or 0)
        return b""


def heard(ends_after_s: float | None, *, is_asked: bool) -> None:
    asyncio.run(hear(cast(Any, Server(ends_after_s)), Talk(0.01, is_asked=is_asked)))


def test_a_server_that_was_asked_something_has_to_speak():
    with pytest.raises(Stalled):
        heard(None, is_asked=True)


def test_one_that_was_not_may_be_silent():
    """As while git looks at a large pack."""
    heard(0.1, is_asked=False)


def test_no_other_command_is_run_than_the_one_that_was_ordered():
    order = Order("127.0.0.1", 9, "git", "git-upload-pack 'a'")

    assert carry_out(order, "git-receive-pack 'a'").verdict is Verdict.FAILED
