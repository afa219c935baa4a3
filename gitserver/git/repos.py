"""The apps' bare repositories and the receive hook of all of them."""

import logging
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from hooks import quota
from stratum.disk import sync, sync_tree
from stratum.errors import Unavailable
from stratum.git import git_environ, reason
from stratum.instance import Instance
from stratum.model import App

log = logging.getLogger(__name__)

HOOK_SCRIPT = Path(__file__).with_name("receive_hook.sh")
HOOK = "pre-receive"

# An app may push to one branch for years; others decide by its reflog what a crash left behind.
# bigFileThreshold: larger blobs are streamed, never held; with windowMemory (of a thread) and threads what
# a clone takes stays below a git's limit of memory, whatever has been pushed and however many processors.
# allowAnySHA1InWant: what a partial clone asks for later; under protocol 2 everybody may anyway.
_SETTINGS = (
    "core.bigFileThreshold=32m",
    "core.fsync=all",
    "core.logAllRefUpdates=always",
    "gc.auto=0",
    "pack.windowMemory=64m",
    "receive.advertisePushOptions=true",
    "receive.autogc=false",
    "receive.fsckObjects=true",
    "receive.unpackLimit=1",
    "transfer.hideRefs=refs/stratum",
    "uploadpack.allowAnySHA1InWant=true",
    "uploadpack.allowFilter=true",
)
THREADS = min(4, os.cpu_count() or 1)
SMALL_BYTES = 64 << 10  # to start a thread takes longer than to work alone on a pack of so many


@dataclass(frozen=True, slots=True)
class Received:
    """What a git is to receive.

    Attributes:
        app: whose limits hold for it.
        size: bytes that the client has announced; None: it has not.
    """

    app: App
    size: int | None


def install_hooks(instance: Instance) -> None:
    """Put the hook script where git runs it: executable for us, and nothing beside it."""
    folder = instance.layout.receive_hooks
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{HOOK}.{os.getpid()}"
    shutil.copyfile(HOOK_SCRIPT, scratch)
    scratch.chmod(0o700)
    scratch.rename(folder / HOOK)
    for other in folder.iterdir():
        if other.name != HOOK:
            other.unlink(missing_ok=True)


def ensure_repo(instance: Instance, app: App) -> Path:
    """Return the app's repository; make it, empty, if there is none yet.

    Raises:
        Unavailable: the disk, or git, would not have it.
    """
    repo = instance.layout.repo(app.id)
    if os.path.exists(f"{repo}/HEAD"):  # noqa: PTH110  # at every request
        return repo
    try:
        _create(repo)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s could not be made: %s", repo, error)
        message = f"The repository of {app.label} could not be made: {reason(error)}."
        raise Unavailable(message, "See that the server's disk has room; then try again.") from error
    return repo


def settings(instance: Instance, received: Received | None = None) -> list[str]:
    """`-c` options of every git that serves: in force at once for repositories of any age.

    Args:
        received: None for a git that only reads.
    """
    most, threads = instance.settings.max_push_bytes, THREADS
    if received is not None:
        most = quota.max_input(instance, received.app)
        threads = 1 if received.size is not None and received.size <= SMALL_BYTES else THREADS
    given = (
        *_SETTINGS,
        f"core.hooksPath={instance.layout.receive_hooks}",
        f"pack.threads={threads}",
        f"receive.maxInputSize={most}",
    )
    return [word for setting in given for word in ("-c", setting)]


def _create(repo: Path) -> None:
    """Make it aside and rename it: two first contacts at once leave one whole repository."""
    repo.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(prefix=f"{repo.name}.", dir=repo.parent))
    argv = [
        "git",
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--initial-branch=master",
        str(scratch),
    ]
    # Our reflog reader and dulwich know these; a later git may come with other defaults.
    formats = {"GIT_DEFAULT_HASH": "sha1", "GIT_DEFAULT_REF_FORMAT": "files"}
    try:
        subprocess.run(argv, env={**git_environ(), **formats}, check=True, capture_output=True, timeout=60)
        sync_tree(scratch)  # git does not: a loss of power could leave HEAD empty
        scratch.rename(repo)
        sync(repo.parent)
    except OSError:
        if not (repo / "HEAD").exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
