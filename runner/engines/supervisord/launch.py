"""Turns a section of supervisord into an app's process. Run as a file, never imported by the project.

    python3 -IS launch.py DESCRIPTION INSTANCE UID UID_LOW UID_HIGH SERVICE_UID

Root hands it a description that the service wrote. It becomes UID first; only then does it read the
description and are the user's variables in force for anything (LD_PRELOAD!). Its last act is
`setpriv --pdeathsig KILL --no-new-privs -- bash -c COMMAND`: the pid stays supervisord's. Where there is
a `.profile.d` or `.profile`, a bash before that sources them and becomes that `bash -c COMMAND`.

`posix`, `_stat` and `_signal` are what `os`, `stat` and `signal` are made of; without those wrappers
it is up in 9 ms rather than 13 to 17. `description.py` defines the format.
"""

import _signal  # type: ignore[import-not-found]
import _stat
import posix
import resource
import sys

HEADER = b"stratum process 1"
PROGRAM_FOLDERS = ("/usr/bin", "/bin", "/usr/local/bin")
PROFILES = (".profile.d", ".profile")
FILE_LOCKS = 10  # RLIMIT_LOCKS, which binds nothing
CANNOT_START = 126
NO_PROGRAM = 127


# $0 is bash and $1 the command. A bash of their own for the scripts, so that what they set but do not
# export, `set -e` for one, is not in force for the command (as at Heroku).
SOURCE_PROFILES = """\
__stratum_command=$1 __stratum_folder=$PWD
shift
for __stratum_file in "$__stratum_folder"/.profile.d/*.sh "$__stratum_folder/.profile"; do
    if [ -f "$__stratum_file" ]; then . "$__stratum_file"; fi
done
unset __stratum_file
exec "$0" -c "$__stratum_command"
"""


class Refused(Exception):
    """The process is not started; the text goes to its log."""

    def __init__(self, text: str, exit_code: int = CANNOT_START) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def main(arguments: list[str]) -> int:
    """Start the process, or say in its log why not."""
    text, exit_code = "cannot start", CANNOT_START
    try:
        start(*arguments)
    except Refused as refusal:
        text, exit_code = str(refusal), refusal.exit_code
    except (OSError, ValueError, TypeError) as error:
        text = f"cannot start: {error}"
    posix.write(2, f"stratum: {text}\n".encode("utf-8", "surrogateescape"))
    return exit_code


def start(path: str, instance: str, *uids: str) -> None:
    """Become the process; returns only by an exception."""
    uid, low, high, service_uid = map(int, uids)
    if uid == 0 or not low <= uid <= high:
        message = f"uid {uid} is outside the apps' range {low}..{high}"
        raise Refused(message)
    file = open_description(path, service_uid)
    become(uid)
    command, directory, environment, max_open_files = parse(read_all(file))
    environment[b"STRATUM_PROCESS"] = f"{instance}/{path.rpartition('/')[2]}".encode()
    setpriv, bash = find("setpriv", "util-linux"), find("bash", "bash")
    limit(max_open_files)
    bear_mark(instance)
    default_signals()
    enter(directory)
    argv = (setpriv, "--pdeathsig", "KILL", "--no-new-privs", "--", *shell(bash, command))
    posix.execve(setpriv, argv, environment)


def open_description(path: str, service_uid: int) -> int:
    """Open a description that only the service or root can have written; no link, no pipe."""
    file = posix.open(path, posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC)
    status = posix.fstat(file)
    if not _stat.S_ISREG(status.st_mode) or status.st_uid not in {0, service_uid}:
        message = f"{path} is not a file of uid {service_uid} or root"
        raise Refused(message)
    if status.st_mode & 0o022:
        message = f"{path} can be written by others than its owner"
        raise Refused(message)
    return file


def become(uid: int) -> None:
    """Take the app's uid, and the gid of the same number, for good."""
    if posix.getuid() == 0:
        posix.setgroups([])
        posix.setgid(uid)
        posix.setuid(uid)
        if posix.getresgid() != (uid, uid, uid):
            message = f"could not become gid {uid}"
            raise Refused(message)
    if posix.getresuid() != (uid, uid, uid):
        message = f"could not become uid {uid}"
        raise Refused(message)


def read_all(file: int) -> bytes:
    """Read a file to its end."""
    chunks = []
    while chunk := posix.read(file, 1 << 20):
        chunks.append(chunk)
    posix.close(file)
    return b"".join(chunks)


def parse(raw: bytes) -> tuple[bytes, bytes, dict[bytes, bytes], int]:
    """Return command, directory, environment and soft limit of open files."""
    header, *strings = raw.split(b"\0")
    if header != HEADER or len(strings) < 5 or strings.pop():  # noqa: PLR2004 - four head lines, an empty end
        message = "not a process description, or a cut one"
        raise Refused(message)
    command, directory, home, max_open_files, *assignments = strings
    environment = {b"HOME": home}
    for assignment in assignments:
        name, _, value = assignment.partition(b"=")
        environment[name] = value
    return command, directory, environment, int(max_open_files)


def find(program: str, package: str) -> str:
    """Find a program in the system's folders; the user's PATH has no say."""
    for folder in PROGRAM_FOLDERS:
        if posix.access(f"{folder}/{program}", posix.X_OK):
            return f"{folder}/{program}"
    message = f"{program} is missing: install {package} on this host"
    raise Refused(message, NO_PROGRAM)


def shell(bash: str, command: bytes) -> tuple[str | bytes, ...]:
    """Return what runs a command in this folder; `-p` leaves BASH_ENV to the bash of the command itself."""
    if any(posix.access(name, posix.F_OK) for name in PROFILES):
        return (bash, "-p", "-c", SOURCE_PROFILES, bash, command)
    return (bash, "-c", command)


def limit(max_open_files: int) -> None:
    """Set the soft limit of open files, and allow no core file (it would hold the app's secrets)."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = max_open_files if hard == resource.RLIM_INFINITY else min(max_open_files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bear_mark(instance: str) -> None:
    """Carry the number by which all that comes of this process is known (`stratum.door.birthmark`)."""
    number = (1 << 62) + int.from_bytes(instance.encode(), "big") % ((1 << 61) - 1)
    try:
        resource.setrlimit(FILE_LOCKS, (number, number))
    except (ValueError, OSError):  # a sandbox that lets nobody; the variable has to do
        return


def default_signals() -> None:
    """Undo what Python ignores and exec would pass on: with SIGPIPE ignored, `yes | head -1` complains."""
    for number in _signal.valid_signals():
        if _signal.getsignal(number) == _signal.SIG_IGN:
            _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, [])


def enter(directory: bytes) -> None:
    """Go to where the command starts, with the app's own rights."""
    try:
        posix.chdir(directory)
    except OSError as error:
        name = directory.decode("utf-8", "surrogateescape")
        message = f"cannot enter {name}: {error.strerror}"
        raise Refused(message) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
