"""Reading a commit through the `git` binary, with a cap on what is read.

The receive hook reads the Procfile of pushed, not yet accepted commits here, the builder files of
accepted ones: a bomb then bursts in git, under limits, and not in us. No writing, no refs.
"""

import logging
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stratum import appjson
from stratum.appjson import AppJson, ReviewSetup
from stratum.errors import AppJsonInvalid, NotFound, ProcfileInvalid, Unavailable
from stratum.limits import Limits
from stratum.procfile import MAX_BYTES, Problem, Procfile, parse, stage_file
from stratum.settings import inherited_environ

TIMEOUT_S = 60.0
LIMITS = Limits(cpu_s=int(TIMEOUT_S))  # of a git that looks at what was pushed for us

log = logging.getLogger(__name__)

# Signatures are the pusher's bytes, and nothing of ours reads what a check of them would say.
_UNWANTED = {f"gpg.{kind}program": "/bin/false" for kind in ("", "ssh.", "x509.")}

# Replace refs can be pushed, and would show us another commit than the one that was asked for.
_ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "GIT_CONFIG_COUNT": str(len(_UNWANTED)),
    **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(_UNWANTED)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_UNWANTED.values())},
}


def git_environ() -> dict[str, str]:
    """The environment of every git of ours: no configuration but the repository's own, and no gpg."""
    return {**inherited_environ("PATH"), **_ENVIRON}


# What stands in the place of a file, by the first word that git says of it.
_NO_FILE = {
    "tree": "it is a folder",
    "symlink": "it is a link to something outside of the commit",
    "dangling": "it is a link to something that the commit lacks",
    "loop": "it is a link that leads back to itself",
    "notdir": "it is a link through a file, as if that were a folder",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a commit has under a name: a file's `blob`, else a key of _NO_FILE without object and size."""

    kind: str
    oid: str = ""
    size: int = 0

    @property
    def fault(self) -> str:
        """Why it is no file, a sentence without its full stop; empty for one that is."""
        return _NO_FILE.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a repository, by its full id.

    Attributes:
        quarantine: variables by which git finds objects that are not accepted yet
            (`GIT_OBJECT_DIRECTORY` and its kin); empty for accepted ones.
    """

    repo: Path
    id: str
    quarantine: Mapping[str, str] = field(default_factory=dict)

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Name → size in bytes, for those of the names that are files, or links to one in the tree.

        Args:
            names: paths from the root; without line ends.

        Raises:
            NotFound: the repository lacks the commit.
            Unavailable: git failed.
        """
        return {name: file.size for name, file in self._files(names).items()}

    def read(self, names: Iterable[str], max_bytes: int) -> dict[str, bytes]:
        """Name → content, for those of the names that are files of at most `max_bytes`.

        Raises:
            NotFound: the repository lacks the commit.
            Unavailable: git failed.
        """
        files = self.files(names, max_bytes).items()
        return {name: content for name, content in files if content is not None}

    def files(self, names: Iterable[str], max_bytes: int) -> dict[str, bytes | None]:
        """Do as `read`, and name those above `max_bytes` with None.

        Raises:
            NotFound: the repository lacks the commit.
            Unavailable: git failed.
        """
        found = self._files(names)
        contents = self.contents({name: file for name, file in found.items() if file.size <= max_bytes})
        return {name: contents.get(name) for name in found}

    def contents(self, files: Mapping[str, Entry]) -> dict[str, bytes]:
        """Name → content of files that `entries` has found.

        Raises:
            Unavailable: git failed.
        """
        if not files:
            return {}
        answer = self._cat_file("--batch", lines=[file.oid for file in files.values()])
        contents = {}
        for name, file in files.items():
            start = answer.index(b"\n") + 1
            contents[name] = answer[start : start + file.size]
            answer = answer[start + file.size + 1 :]
        return contents

    def entries(self, names: Iterable[str]) -> dict[str, Entry]:
        """Name → what it is, for those of the names that the commit has; links in the tree are followed.

        Raises:
            NotFound: the repository lacks the commit.
            Unavailable: git failed.
        """
        names = tuple(names)
        lines = [f"{self.id}^{{commit}}", *(f"{self.id}:{name}" for name in names)]
        own, *rest = _answers(self._cat_file("--batch-check", "--follow-symlinks", lines=lines))
        if own[1:2] != ["commit"]:
            raise NotFound("commit", self.id, "Push it to the repository again.")
        found = zip(names, map(_entry, rest), strict=True)
        return {name: entry for name, entry in found if entry is not None}

    def descends_from(self, other: str) -> bool:
        """Whether another commit is among the ancestors, or is this one.

        Raises:
            Unavailable: git failed, as it does when one of the two is not there.
        """
        # git-merge-base(1): 1 is "no", errors give another status.
        return self._asked("merge-base", "--is-ancestor", other, self.id, fine=(0, 1)).returncode == 0

    def kinds(self, oids: Iterable[str]) -> dict[str, str]:
        """Id → `commit`, `tree`, `blob`, `tag`, or `missing`, of any objects that this commit's git sees.

        Raises:
            Unavailable: git failed.
        """
        lines = list(oids)
        answers = _answers(self._cat_file("--batch-check", lines=lines))
        return {oid: words[1] for oid, words in zip(lines, answers, strict=True)}

    def _files(self, names: Iterable[str]) -> dict[str, Entry]:
        return {name: entry for name, entry in self.entries(names).items() if entry.kind == "blob"}

    def _cat_file(self, *options: str, lines: list[str]) -> bytes:
        given = "".join(f"{line}\n" for line in lines).encode()
        return self._asked("cat-file", *options, given=given).stdout

    def _asked(
        self, *words: str, given: bytes = b"", fine: tuple[int, ...] = (0,)
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run git to its end, under limits.

        Args:
            fine: exit codes that are answers.

        Raises:
            Unavailable: it did not start, failed, or did not end in time.
        """
        argv = ["git", f"--git-dir={self.repo}", *words]
        try:
            done = _run(argv, {**git_environ(), **self.quarantine}, given)
            if done.returncode not in fine:
                done.check_returncode()
        except (OSError, subprocess.SubprocessError) as error:
            # What git says names folders of the server: that is for the log alone.
            log.warning("%s: %r", error, getattr(error, "stderr", None))
            message = f"git could not read the repository ({reason(error)})."
            raise Unavailable(message, "See the server's log and disk.") from error
        return done


def _run(argv: list[str], environ: Mapping[str, str], given: bytes) -> "subprocess.CompletedProcess[bytes]":
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environ, stdin=pipe, stdout=pipe, stderr=pipe) as program:
        LIMITS.apply(program.pid)
        try:
            said, complaint = program.communicate(given, TIMEOUT_S)
        finally:
            program.kill()  # one that has ended is let be
    return subprocess.CompletedProcess(argv, program.returncode, said, complaint)


def read_procfile(commit: Commit, stage: str) -> tuple[str, Procfile]:
    """Read the Procfile that holds in environments of a stage; return its name and what it says.

    Raises:
        ProcfileInvalid: there is none, it is no file, too large, or has problems.
        NotFound: the repository lacks the commit.
        Unavailable: git failed.
    """
    found = find_procfile(commit, stage)
    if found is None:
        raise no_procfile()
    return found


def no_procfile(
    reason: str = "the commit has no such file at its root", others: Iterable[str] = ()
) -> ProcfileInvalid:
    """Say that there is nothing to start, and what to do.

    Args:
        others: what else would help.
    """
    mend = 'Add one with a line for each process, such as "web: python app.py"'
    return ProcfileInvalid([Problem("Procfile", 1, 1, reason, ". ".join((mend, *others)))])


def find_procfile(commit: Commit, stage: str) -> tuple[str, Procfile] | None:
    """Do as `read_procfile`; None when there is none, so that a buildpack decides what is started.

    Raises:
        ProcfileInvalid: it is no file, too large, or has problems.
        NotFound: the repository lacks the commit.
        Unavailable: git failed.
    """
    names = (stage_file(stage), "Procfile")
    found = commit.entries(names)
    name = next((name for name in names if name in found), None)
    if name is None:
        return None
    entry = found[name]
    if entry.fault:
        raise ProcfileInvalid([Problem(name, 1, 1, entry.fault, "Commit it as a file")])
    if entry.size > MAX_BYTES:
        message = f"the file has {entry.size} bytes; {MAX_BYTES} are allowed"
        mend = "Move long commands into scripts and call those"
        raise ProcfileInvalid([Problem(name, 1, 1, message, mend)])
    return name, parse(commit.contents({name: entry})[name], name)


def read_app_json(commit: Commit) -> AppJson:
    """Read what app.json says of targets; nothing where the commit has no such file.

    Raises:
        AppJsonInvalid: it is no file, too large, or has problems.
        NotFound: the repository lacks the commit.
        Unavailable: git failed.
    """
    data = _app_json(commit)
    return AppJson() if data is None else appjson.parse(data)


def read_review_setup(commit: Commit) -> ReviewSetup:
    """Read what app.json asks of a review app to begin with; nothing where there is no such file.

    Raises:
        AppJsonInvalid, NotFound, Unavailable: as `read_app_json`.
    """
    data = _app_json(commit)
    return ReviewSetup() if data is None else appjson.parse_review(data)


def _app_json(commit: Commit) -> bytes | None:
    found = commit.entries((appjson.NAME,))
    if not found:
        return None
    entry = found[appjson.NAME]
    if entry.fault:
        raise AppJsonInvalid([appjson.Problem("", entry.fault, "Commit it as a file")])
    if entry.size > appjson.MAX_BYTES:
        raise appjson.too_large(entry.size)
    return commit.contents(found)[appjson.NAME]


def _entry(words: list[str]) -> Entry | None:
    if words[1:2] == ["blob"]:
        return Entry("blob", words[0], int(words[2]))
    kind = words[1] if words[1:2] == ["tree"] else words[0]
    return Entry(kind) if kind in _NO_FILE else None


def _answers(output: bytes) -> Iterator[list[str]]:
    """Split what --batch-check says into the words of each answer: `oid type size` for what is there.

    Source: git-cat-file(1), BATCH OUTPUT: a link out of the tree, a dangling one and the like are
    answered by `symlink <size>` and, on the next line, that many bytes of a path, line ends included.
    """
    rest = output
    while rest:
        line, _, rest = rest.partition(b"\n")
        words = line.decode("utf-8", "replace").split(" ")
        if words[0] in ("symlink", "dangling", "loop", "notdir"):
            rest = rest[int(words[1]) + 1 :]
            words = words[:1]
        yield words


def reason(error: Exception) -> str:
    """Say why something failed without naming folders of the server, as the system's own words do."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took longer than {error.timeout:.0f} s"
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    return str(error)
