"""Fetching from OpenSSH's server, and from servers that are none."""

import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks.webhooks.fetching import FetchFailed, FetchTooLarge, Scratch
from hooks.webhooks.source import Source
from hooks.webhooks.ssh import calling
from hooks.webhooks.ssh.calling import by_ssh, host_key_of
from hooks.webhooks.ssh.keys import DeployKey, fingerprint, new_deploy_key
from stratum.errors import HostKeyChanged, InvalidInput
from stratum.git import git_environ
from stratum.limits import Limits
from stratum.model import Credential, Webhook
from stratum.webhooks import Provider
from tests.repos import git
from tests.sshd import Sshd, needs_sshd, sshd
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, needs_sshd]

LIMITS = Limits(timeout_s=120)
KEY = new_deploy_key("stratum:MyProdEnv/app02")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("ssh"), {"a.txt": "one"}) as found:
        yield found


@pytest.fixture
def elsewhere(server: Sshd) -> Sshd:
    server.allow(KEY.public)
    return server


def webhook(server: Sshd, *keys: DeployKey, host_keys: tuple[str, ...] = ()) -> Webhook:
    return Webhook(
        id=1,
        app_id=1,
        public_id="abc",
        provider=Provider.GENERIC,
        enabled=True,
        sealed_secrets=b"",
        branches=(),
        paths=(),
        clone_url=server.url,
        credential=Credential.KEY,
        sealed_credential=b"",
        created_by="me",
        created_at=datetime.now(UTC),
        rotated_at=datetime.now(UTC),
        deploy_keys=tuple(key.public for key in keys or (KEY,)),
        host_keys=host_keys or (server.host_key,),
    )


def fetched(
    folder: Path, found: Webhook, *keys: DeployKey, limits: Limits = LIMITS, known: Path = Path("/none")
) -> str:
    scratch = Scratch(folder / "f", limits)
    scratch.make(known)
    source = Source.read(found.clone_url)
    credential = dict(zip(("current", "previous"), (key.private for key in keys or (KEY,)), strict=False))
    with by_ssh(source, "127.0.0.1", found, credential) as way:
        return scratch.fetch(source, "refs/heads/master", way)


def test_a_branch_is_fetched_with_the_deploy_key(elsewhere, tmp_path):
    tip = elsewhere.push({"b.txt": os.urandom(300_000).hex()})

    assert fetched(tmp_path, webhook(elsewhere)) == tip
    assert git(tmp_path / "f", "rev-parse", "refs/heads/fetched") == tip
    assert elsewhere.asked[-1] == f"version=2 git-upload-pack '{elsewhere.folder}/app.git'"


def test_only_what_is_new_comes_also_from_a_server_of_gits_older_protocol(elsewhere, tmp_path):
    """Which takes no variables, so that git cannot ask for the newer one."""
    elsewhere.answer_with('unset GIT_PROTOCOL; eval exec "$SSH_ORIGINAL_COMMAND"')
    elsewhere.push({"b.txt": os.urandom(300_000).hex()})
    try:
        fetched(tmp_path / "before", webhook(elsewhere))
        tip = elsewhere.push({"c.txt": "one more"})
        known = tmp_path / "before/f"

        assert fetched(tmp_path, webhook(elsewhere), known=known) == tip
    finally:
        elsewhere.answer_as_asked()
    packs = (tmp_path / "f/objects/pack").glob("*.pack")
    assert sum(pack.stat().st_size for pack in packs) < 10_000


def test_the_key_before_is_offered_after_the_current_one(elsewhere, tmp_path):
    new = new_deploy_key("new")

    assert fetched(tmp_path / "a", webhook(elsewhere, new, KEY), new, KEY)
    with pytest.raises(FetchFailed):
        fetched(tmp_path / "b", webhook(elsewhere, new), new)


def test_a_key_that_the_server_does_not_know_is_told_with_what_to_do(elsewhere, tmp_path):
    elsewhere.allow()

    with pytest.raises(FetchFailed) as failure:
        fetched(tmp_path, webhook(elsewhere))
    assert failure.value.reason == (
        f"127.0.0.1 takes no deploy key {fingerprint(KEY.public)};"
        " add it there: stratum webhooks deploy-key abc"
    )


def test_no_key_but_the_web_hooks_own_is_offered(elsewhere, tmp_path, monkeypatch):
    """Whoever runs this has one that the server takes, and says so in a file."""
    home, other = tmp_path / "home/.ssh", new_deploy_key("mine")
    home.mkdir(parents=True)
    (home / "id_ed25519").write_text(other.private)
    (home / "id_ed25519").chmod(0o600)
    (home / "config").write_text(f"Host *\n  IdentityFile {home}/id_ed25519\n")
    elsewhere.allow(other.public)
    monkeypatch.setenv("HOME", str(home.parent))

    with pytest.raises(FetchFailed, match="takes no deploy key"):
        fetched(tmp_path, webhook(elsewhere))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_another_host_key_is_told_by_name_and_nothing_is_asked(elsewhere, tmp_path, kind):
    before, asked = elsewhere.host_key, len(elsewhere.asked)
    elsewhere.stop()
    elsewhere.new_host_key(kind)
    elsewhere.start()

    with pytest.raises(HostKeyChanged) as failure:
        fetched(tmp_path, webhook(elsewhere, host_keys=(before,)))
    assert (failure.value.known, failure.value.shown) == (
        (fingerprint(before),),
        fingerprint(elsewhere.host_key),
    )
    assert failure.value.hint.endswith(f"stratum webhooks set abc --host-key '{elsewhere.host_key}'")
    assert len(elsewhere.asked) == asked
    assert fetched(tmp_path / "again", webhook(elsewhere, host_keys=(before, elsewhere.host_key)))


def test_the_host_key_is_learnt(elsewhere):
    source = Source.read(elsewhere.url)

    assert host_key_of(source, may_be_private=True) == elsewhere.host_key


def test_nothing_is_learnt_from_a_private_address(elsewhere):
    with pytest.raises(InvalidInput, match="private address"):
        host_key_of(Source.read(elsewhere.url), may_be_private=False)


FRAMED = ("", "=" * 40, "", "ERROR: The project could not be found.", "", "=" * 40, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("hello\n\033[31mERROR: Repository not found.\n", "ERROR: Repository not found"),
        ("".join(f"remote: {line}\n" for line in FRAMED), "ERROR: The project could not be found"),
        ("Unauthorized\n\n", "Unauthorized"),
        ("", "git-upload-pack ended with 1, without a word"),
    ],
)
def test_what_the_server_says_of_a_failure_is_told(elsewhere, tmp_path, words, told):
    (elsewhere.folder / "words").write_text(words)
    elsewhere.answer_with(f"cat {elsewhere.folder}/words >&2; exit 1")
    try:
        with pytest.raises(FetchFailed) as failure:
            fetched(tmp_path, webhook(elsewhere))
    finally:
        elsewhere.answer_as_asked()
    assert failure.value.reason == f"127.0.0.1 by SSH: {told}"


def test_what_git_says_of_a_failure_is_told(elsewhere, tmp_path):
    found = webhook(elsewhere)
    scratch = Scratch(tmp_path / "f", LIMITS)
    scratch.make(tmp_path / "none")
    source = Source.read(found.clone_url)

    way = by_ssh(source, "127.0.0.1", found, {"current": KEY.private})
    with pytest.raises(FetchFailed, match="couldn't find remote ref refs/heads/other"), way as taken:
        scratch.fetch(source, "refs/heads/other", taken)


def test_a_server_that_says_nothing_is_given_up(elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(calling, "PATIENCE_S", 2.0)
    elsewhere.answer_with("exec cat >/dev/null")  # ends with the connection, as a sleep would not
    try:
        with pytest.raises(FetchFailed, match="it does not answer"):
            fetched(tmp_path, webhook(elsewhere))
    finally:
        elsewhere.answer_as_asked()


def test_the_program_ends_with_the_git_that_has_started_it(elsewhere, tmp_path):
    """Also where the server keeps the connection for ever."""
    elsewhere.answer_with(f"touch {tmp_path}/begun; exec sleep 90")
    found = webhook(elsewhere)
    source = Source.read(found.clone_url)
    try:
        with by_ssh(source, "127.0.0.1", found, {"current": KEY.private}) as way:
            environ = {**git_environ(), **way.environ}
            argv = ["git", "ls-remote", source.url]
            with subprocess.Popen(argv, env=environ, pass_fds=way.passed, stdout=subprocess.PIPE) as git:
                wait_until((tmp_path / "begun").exists, timeout=60)
                assert speaking(way.passed)
                git.kill()
                assert git.stdout is not None
                assert git.stdout.read() == b""
        wait_until(lambda: not speaking(way.passed), timeout=30)
    finally:
        elsewhere.answer_as_asked()


def speaking(passed: Sequence[int]) -> list[str]:
    """List the processes of the program that were given these descriptors."""
    wanted = "\0".join(["hooks.webhooks.ssh", *map(str, passed)]).encode()
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            found += [folder.name] if wanted in (folder / "cmdline").read_bytes() else []
    return found


def test_too_much_is_told_as_such(elsewhere, tmp_path):
    elsewhere.push({"big.txt": os.urandom(200_000).hex()})

    with pytest.raises(FetchTooLarge):
        fetched(tmp_path, webhook(elsewhere), limits=replace(LIMITS, file_bytes=1 << 17))


def test_no_process_and_no_file_shows_the_private_key(elsewhere, tmp_path):
    pattern, seen = tmp_path / "pattern", tmp_path / "seen"
    pattern.write_text(KEY.private.splitlines()[2] + "\n")  # what differs from key to key
    look = f"grep -l -a -F -f {pattern} /proc/[0-9]*/cmdline /proc/[0-9]*/environ >{seen} 2>/dev/null"
    elsewhere.answer_with(f'{look}\neval exec "$SSH_ORIGINAL_COMMAND"')
    try:
        assert fetched(tmp_path, webhook(elsewhere))
    finally:
        elsewhere.answer_as_asked()
    assert seen.read_text() == ""
    argv = ["grep", "-r", "-F", "-f", str(pattern), str(tmp_path / "f")]
    assert subprocess.run(argv, capture_output=True, check=False).stdout == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_account_without_a_name_fetches(elsewhere, tmp_path, monkeypatch):
    """Where OpenSSH's client says that no such user exists."""
    nobody = ("setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", "--")
    monkeypatch.setattr(calling, "PROGRAM", (*nobody, *calling.PROGRAM))

    assert fetched(tmp_path, webhook(elsewhere))


class _Rubbish(socketserver.BaseRequestHandler):
    said = b""
    is_endless = False

    def handle(self) -> None:
        with suppress(OSError):
            self.request.sendall(self.said)
            while self.is_endless:
                self.request.sendall(self.said)


@contextmanager
def rubbish(said: bytes, *, is_endless: bool = False) -> Iterator[Source]:
    handler = type("Handler", (_Rubbish,), {"said": said, "is_endless": is_endless})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Source.read(f"ssh://git@127.0.0.1:{server.server_address[1]}/app.git")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("said", "is_endless"),
    [
        (b"", False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"Welcome!\r\n", True),
        (b"\0" * 4096, True),
        (b"SSH-2.0-x\r\n" + b"\xff" * 4096, False),
    ],
)
def test_a_server_that_sends_something_else_is_told_as_such(said, is_endless):
    with rubbish(said, is_endless=is_endless) as source, pytest.raises(InvalidInput) as failure:
        host_key_of(source, may_be_private=True)
    assert failure.value.message.startswith(
        f"The host key of 127.0.0.1, port {source.port}, cannot be learnt: "
    )
    assert "--host-key" in failure.value.hint


def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(calling, "SIGN_IN_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = Source.read(f"ssh://git@127.0.0.1:{server.getsockname()[1]}/app.git")
        with pytest.raises(InvalidInput, match="it does not answer"):
            host_key_of(source, may_be_private=True)


def test_two_host_keys_at_most_are_learnt_at_once(monkeypatch):
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(calling, "_turns", turns)
    monkeypatch.setattr(calling, "TURN_S", 0.01)
    source = Source.read("ssh://git@127.0.0.1:9/app.git")

    with turns, pytest.raises(InvalidInput, match="two others are being learnt just now"):
        host_key_of(source, may_be_private=True)
    with pytest.raises(InvalidInput, match="refuse"):
        host_key_of(source, may_be_private=True)
