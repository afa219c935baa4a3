"""Starting the program that speaks SSH: by git, to fetch; by ourselves, to learn a host key.

It is a process of its own, since it reads what others send.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore

from hooks.webhooks import fetching
from hooks.webhooks.fetching import FetchFailed, FetchTooLarge, Way, checked_address, last_line
from hooks.webhooks.running import Order as Call
from hooks.webhooks.running import TookTooLong, run
from hooks.webhooks.source import Source
from hooks.webhooks.ssh.keys import fingerprint, known_host_key, read_host_key
from hooks.webhooks.ssh.order import Answer, Order, Verdict, pipes
from stratum.buildlog import harmless
from stratum.errors import HostKeyChanged, InvalidInput
from stratum.limits import Limits
from stratum.model import Webhook
from stratum.settings import inherited_environ

# -I: nothing of the folder that git runs in, nor of variables, decides which code this is.
PROGRAM = (sys.executable, "-I", "-m", "hooks.webhooks.ssh")
# Its parent is git itself, by the `exec` before it: a shell in between would outlive git.
WITH_GIT = ("setpriv", "--pdeathsig", "KILL", "--")
# asyncssh wants a name, and the account may have none; and a home where nobody has put anything.
ENVIRON = {"LOGNAME": "stratum", "HOME": "/nonexistent"}
SIGN_IN_S = 30.0
PATIENCE_S = float(fetching.STALLED_S)
LEARN_BY_S = 50  # with the program's start
TURN_S = 5.0
_FAULT = re.compile(r"\b(error|fatal)\b", re.IGNORECASE)
_turns = BoundedSemaphore(2)  # the program takes 40 MiB, and whoever administers an app can have it run


@contextmanager
def by_ssh(source: Source, address: str, webhook: Webhook, credential: Mapping[str, str]) -> Iterator[Way]:
    """Give the way to a source by SSH, with a web hook's deploy keys; what fails there is told in our words.

    Args:
        credential: `current`, and `previous` where that one is kept: private keys.

    Raises:
        HostKeyChanged: it is not the server that it was.
        FetchFailed: as the fetch within says, or the server.
    """
    keys = tuple(credential[name] for name in ("current", "previous") if name in credential)
    order = Order(
        address,
        source.port,
        source.user,
        source.command,
        webhook.host_keys,
        keys,
        sign_in_s=SIGN_IN_S,
        patience_s=PATIENCE_S,
    )
    with pipes(order) as found:
        command = f"exec {shlex.join([*WITH_GIT, *PROGRAM, *map(str, found.passed)])}"
        variables = {"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh"}
        unpack = fetching.settings({"fetch.unpackLimit": "1"})
        try:
            yield Way({**ENVIRON, **variables, **unpack}, found.passed)
        except FetchTooLarge:
            raise
        except FetchFailed as error:
            answer = found.answer()
            if answer is None or answer.is_done:
                raise
            raise _failure(answer, source, webhook) from error


def host_key_of(source: Source, *, may_be_private: bool) -> str:
    """Return a server's host key: what is known of it, else what it shows now.

    Raises:
        InvalidInput: it shows none, or has a private address.
    """
    known = known_host_key(source.host, source.port)
    if known:
        return known
    try:
        address = checked_address(source, may_be_private=may_be_private)
    except FetchFailed as error:
        raise _not_learnt(source, error.reason) from error
    with _turn(source), pipes(Order(address, source.port, sign_in_s=SIGN_IN_S)) as found:
        environ = {**inherited_environ("PATH"), **ENVIRON}
        call = Call([*map(str, found.passed), ""], Path("/"), environ, passed=found.passed, program=PROGRAM)
        try:
            run(call, Limits(timeout_s=LEARN_BY_S))
        except TookTooLong as error:
            raise _not_learnt(source, "it takes too long") from error
        answer = found.answer()
    if answer is None or not answer.host_key:
        raise _not_learnt(source, _said(answer.detail) if answer else "its program has failed")
    return read_host_key(answer.host_key)


@contextmanager
def _turn(source: Source) -> Iterator[None]:
    if not _turns.acquire(timeout=TURN_S):
        raise _not_learnt(source, "two others are being learnt just now")
    try:
        yield
    finally:
        _turns.release()


def _failure(answer: Answer, source: Source, webhook: Webhook) -> Exception:
    if answer.verdict is Verdict.HOST_KEY and answer.host_key:
        known = tuple(map(fingerprint, webhook.host_keys))
        shown = read_host_key(answer.host_key)
        mend = f"stratum webhooks set {webhook.public_id} --host-key '{shown}'"
        return HostKeyChanged(source.host, known, fingerprint(shown), mend)
    if answer.verdict is Verdict.DENIED:
        offered = " nor ".join(map(fingerprint, webhook.deploy_keys))
        return FetchFailed(
            f"{source.host} takes no deploy key {offered}; add it there:"
            f" stratum webhooks deploy-key {webhook.public_id}"
        )
    return FetchFailed(f"{source.host} by SSH: {_said(answer.detail)}")


def _said(detail: str) -> str:
    """Make a clause of what may be the other server's own words, with which some put frames around theirs."""
    lines = (line.removeprefix("remote:") for line in harmless(detail.encode()).decode().splitlines())
    spoken = [line for line in lines if any(map(str.isalpha, line))]
    faults = [line for line in spoken if _FAULT.search(line)]
    return last_line(faults or spoken) or "it says nothing"


def _not_learnt(source: Source, reason: str) -> InvalidInput:
    message = f"The host key of {source.host}, port {source.port}, cannot be learnt: {reason}."
    return InvalidInput(message, "Try again, or give it: --host-key 'TYPE KEY', as ssh-keyscan shows it.")
