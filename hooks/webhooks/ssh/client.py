"""An SSH client that does one thing: have a server run `git-upload-pack`, and hand its words to and fro.

No configuration, no agent, no password, no forwarding: the order's keys alone count, both ways. It connects
to an address, never to a name. Source: asyncssh 2.24's `connect`; what is not said there is looked for in the
account's home, so all of it is said here.
"""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field

import asyncssh

from hooks.webhooks.ssh.keys import MAX_HOST_KEY
from hooks.webhooks.ssh.order import Answer, Order, Verdict

CLOSE_S = 30.0  # for how it ended, once it has said all
ALIVE_EVERY_S, MISSED_MOST = 15.0, 4  # a server that does not even answer whether it is there is gone
MAX_ERRORS = 1000  # bytes, of the last
# The kind that is known comes first; the others, so that a server with another key can show it.
KINDS = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)
ENVIRON = {"GIT_PROTOCOL": "version=2"}  # git(1); a server that takes no variables speaks an older one
_CHUNK = 64 << 10


class _Client(asyncssh.SSHClient):
    """Notes a host key that is not among those of the order."""

    shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = _line(key)
        return False


@dataclass(slots=True)
class Talk:
    """What has been said until now.

    Attributes:
        patience_s: the order's.
        is_asked: whether the server has been asked something since it last spoke.
        heard: bytes of the command's output.
        errors: the last of what it said of itself.
    """

    patience_s: float
    is_asked: bool = True
    heard: int = 0
    errors: bytearray = field(default_factory=bytearray)


class Stalled(Exception):
    """The server has said nothing for too long."""


def carry_out(order: Order, command: str) -> Answer:
    """Do what an order says.

    Args:
        command: that git wants to be run; no other than the order's is.
    """
    if order.command and command != order.command:
        return Answer(Verdict.FAILED, "git asks for another command than was expected")
    client = _Client()
    try:
        return asyncio.run(_ask(order, client) if order.command else _learn(order))
    except (asyncssh.Error, Stalled, OSError, ValueError) as error:
        return _failed(error, client)


def _failed(error: Exception, client: _Client) -> Answer:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Answer(Verdict.HOST_KEY, "its host key is of no use", client.shown)
    if isinstance(error, asyncssh.PermissionDenied):
        return Answer(Verdict.DENIED)
    if isinstance(error, (Stalled, TimeoutError)):
        return Answer(Verdict.FAILED, "it does not answer")
    said = error.reason if isinstance(error, asyncssh.Error) else str(error)
    if isinstance(error, OSError) and error.errno:
        said = os.strerror(error.errno)
    return Answer(Verdict.FAILED, f"{said[:1].lower()}{said[1:]}")


async def _learn(order: Order) -> Answer:
    """Have the server prove which host key it has."""
    asked = asyncssh.get_server_host_key(order.address, order.port, server_host_key_algs=KINDS, config=None)
    key = await asyncio.wait_for(asked, order.sign_in_s)
    return Answer(Verdict.DONE, host_key=_line(key) if key else "")


async def _ask(order: Order, client: _Client) -> Answer:
    known = [asyncssh.import_public_key(line) for line in order.host_keys]
    kinds = [kind.decode() for key in known for kind in key.sig_algorithms if kind.decode() in KINDS]
    connection = await asyncssh.connect(
        order.address,
        order.port,
        username=order.user,
        client_factory=lambda: client,
        known_hosts=(known, [], []),
        server_host_key_algs=[*kinds, *(kind for kind in KINDS if kind not in kinds)],
        client_keys=[asyncssh.import_private_key(key) for key in order.private_keys],
        preferred_auth=["publickey"],
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        agent_path=None,
        agent_forwarding=False,
        pkcs11_provider=None,
        x11_forwarding=False,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        config=None,
        compression_algs=["none"],
        connect_timeout=order.sign_in_s,
        login_timeout=order.sign_in_s,
        keepalive_interval=ALIVE_EVERY_S,
        keepalive_count_max=MISSED_MOST,
    )
    try:
        return await _run(connection, order)
    finally:
        connection.abort()


async def _run(connection: asyncssh.SSHClientConnection, order: Order) -> Answer:
    process = await connection.create_process(order.command, encoding=None, env=ENVIRON, request_pty=False)
    talk = Talk(order.patience_s)
    asides = [asyncio.create_task(_feed(process, talk)), asyncio.create_task(_hear_errors(process, talk))]
    try:
        await hear(process, talk)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(process.wait_closed(), asides[1]), CLOSE_S)
    except BrokenPipeError:  # git has what it wants, or wants no more
        return Answer(Verdict.DONE)
    finally:
        for aside in asides:
            aside.cancel()
    if talk.heard:
        return Answer(Verdict.DONE)
    said = talk.errors.decode("utf-8", "replace").strip()
    return Answer(Verdict.FAILED, said or f"git-upload-pack ended with {process.exit_status}, without a word")


async def _feed(process: "asyncssh.SSHClientProcess[bytes]", talk: Talk) -> None:
    """Hand on what git says."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while chunk := await reader.read(_CHUNK):
        talk.is_asked = True
        process.stdin.write(chunk)
        await process.stdin.drain()
    talk.is_asked = True  # to come to an end
    process.stdin.write_eof()


async def hear(process: "asyncssh.SSHClientProcess[bytes]", talk: Talk) -> None:
    """Hand on what the server says, no faster than git reads.

    After a pack it is silent for as long as git looks at that: only who is asked something has to speak.

    Raises:
        Stalled: it does not.
    """
    while True:
        reading = asyncio.ensure_future(process.stdout.read(_CHUNK))
        while not (await asyncio.wait({reading}, timeout=talk.patience_s))[0]:
            if talk.is_asked:
                reading.cancel()
                raise Stalled
        chunk = reading.result()
        if not chunk:
            return
        talk.is_asked = False
        talk.heard += len(chunk)
        await asyncio.to_thread(_write, chunk)


async def _hear_errors(process: "asyncssh.SSHClientProcess[bytes]", talk: Talk) -> None:
    while chunk := await process.stderr.read(_CHUNK):
        talk.errors.extend(chunk)
        del talk.errors[:-MAX_ERRORS]


def _write(chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(sys.stdout.fileno(), chunk) :]


def _line(key: asyncssh.SSHKey) -> str:
    """Return the line of a host key; of one beyond all measure nothing."""
    line = " ".join(key.export_public_key("openssh").decode().split()[:2])
    return line if len(line) <= MAX_HOST_KEY else ""
