"""What is allowed in a command, but seldom meant. Pure; nothing of it rejects a Procfile."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from stratum.excerpt import quoted
from stratum.procfile.unique_int import misspelled
from stratum.procfile.words import Word, simple_commands

WEB, RELEASE = "web", "release"

_COMMENT = re.compile(r"[ \t]#")
_QUOTING = re.compile(r"""\\.|'|"|(?:^|(?<=[ \t]))\#""")
_TTIN = re.compile(r"\bTTIN\b")
_BACKGROUND = re.compile(r"(?<!&)&$")

# Program → what it ends by itself after. Source: the manuals of these tools.
_RAILS = re.compile(r"(?:db|assets):.+")
_NODE = re.compile(r"build|ci|install|migrate|test")
_MIGRATE = re.compile(r"(?:db:)?migrat\w*(?::.+)?")
_ONCE = {
    **dict.fromkeys(("rake", "rails"), _RAILS),
    **dict.fromkeys(("npm", "pnpm", "yarn", "run"), _NODE),
    **dict.fromkeys(("knex", "prisma", "sequelize", "sequelize-cli", "typeorm"), _MIGRATE),
    **dict.fromkeys(("manage.py", "django-admin"), re.compile(r"migrate|collectstatic|loaddata|check")),
    **dict.fromkeys(("pip", "bundle", "composer"), re.compile(r"install")),
    "alembic": re.compile(r"upgrade|downgrade"),
    "artisan": re.compile(r"migrate(?::.+)?|db:seed"),
    "flask": re.compile(r"db"),
    "mix": re.compile(r"ecto\..+"),
}

# What serves until it is told to end. Source: the manuals of these tools.
_SERVERS = {"daphne", "gunicorn", "hypercorn", "puma", "sidekiq", "unicorn", "uvicorn", "uwsgi"}
_BEFORE_PROGRAM = {"bundle", "env", "exec", "nohup", "npx", "poetry", "run", "uv"}

# Program → what sends it into the background. Source: the manuals of these tools.
_DAEMONS = {
    "gunicorn": {"-D", "--daemon"},
    "sidekiq": {"-d", "--daemon"},
    "puma": {"-d", "--daemon"},
    "unicorn": {"-D", "--daemonize"},
    "uwsgi": {"-d", "--daemonize"},
    "celery": {"multi", "--detach"},
}

_BEFORE_PORT = {"-p", "-b", "-l", "--port", "--bind", "--listen", "http.server", "runserver"}
_PORT = re.compile(r"(?:[\w.\[\]-]*:)?(\d{2,5})")


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning about a command: at which character of it, from 0; `message` and `mend` as a problem's."""

    offset: int
    message: str
    mend: str


def advice(target: str, command: str) -> Iterator[Advice]:
    """Yield what the author of a command may want to know."""
    for look in _LOOKS:
        yield from look(command)
    yield from (_stays if target == RELEASE else _ends)(command)
    if target == WEB:
        yield from _fixed_port(command)


def _comment(command: str) -> Iterator[Advice]:
    found = _COMMENT.search(command)
    if found:
        mend = "Put comments on lines of their own, beginning with #"
        yield Advice(found.start(), '" #" within a command is passed on, not cut', mend)


def _misspelled(command: str) -> Iterator[Advice]:
    for offset, text in misspelled(command):
        mend = "What becomes an integer of the process's own is {{UNIQUE_INT}}"
        yield Advice(offset, f"{quoted(text)} is passed on as it stands", mend)


def _open_quote(command: str) -> Iterator[Advice]:
    """Look for a quote that nothing closes, as bash reads quotes outside of substitutions."""
    mark, since = "", 0
    for found in _QUOTING.finditer(command):
        if not mark and found[0] == "#":
            break
        if not mark and found[0] in "'\"":
            mark, since = found[0], found.start()
        elif mark and found[0].endswith(mark) and (found[0] == mark or mark == "'"):
            mark = ""
    if mark:
        yield Advice(since, f"nothing closes the quote {mark}", "Close it: bash will refuse the command")


def _ends(command: str) -> Iterator[Advice]:
    """Look at the last of the commands that are joined: what stands before it may well end."""
    for program, argument in pairwise(simple_commands(command)[-1]):
        known = _ONCE.get(program.name)
        if known and known.fullmatch(argument.text):
            text = quoted(f"{program.name} {argument.text}")
            message = f"{text} ends when it is done, and a process that ends is taken for a crash"
            yield Advice(program.offset, message, "Put it before what stays: migrate && serve")
            return


def _stays(command: str) -> Iterator[Advice]:
    """Look for what would keep the release phase from its end."""
    for words in simple_commands(command):
        programs = (word for word in words if word.name not in _BEFORE_PROGRAM and "=" not in word.text)
        program = next(programs, None)
        if program and program.name in _SERVERS:
            message = f"release runs once and has to end, and {quoted(program.name)} serves for ever"
            yield Advice(program.offset, message, "Give what serves a target of its own, such as web")
            return


def _daemon(command: str) -> Iterator[Advice]:
    for words in simple_commands(command):
        flags: set[str] = set()
        for word in words:
            if word.text.partition("=")[0] in flags:
                message = f"{quoted(word.text)} sends it into the background, which is taken for a crash"
                yield Advice(
                    word.offset, message, "Leave it out: Stratum watches what stays in the foreground"
                )
                return
            flags = _DAEMONS.get(word.name, flags)


def _background(command: str) -> Iterator[Advice]:
    found = _BACKGROUND.search(command)
    if found:
        message = 'what stands before "&" at the end is not waited for, which is taken for a crash'
        yield Advice(found.start(), message, "Leave the & out")


def _quiet_signal(command: str) -> Iterator[Advice]:
    """Source: Sidekiq's wiki, "Signals": since 5.0 TSTP quiets, and TTIN only prints back traces."""
    found = _TTIN.search(command)
    if found and "sidekiq" in command:
        message = "TTIN has Sidekiq print what its threads do, and not finish their work"
        yield Advice(found.start(), message, "TSTP has it take no new work; on a stop it gets TERM anyway")


def _fixed_port(command: str) -> Iterator[Advice]:
    if "PORT" in command:
        return
    for words in simple_commands(command):
        for option, value in _options(words):
            found = _PORT.fullmatch(value.text)
            if found and option in _BEFORE_PORT:
                message = f"web is told its port in $PORT, and this listens on {found[1]}"
                yield Advice(value.offset + found.start(1), message, "Write $PORT in its place")
                return


def _options(words: list[Word]) -> Iterator[tuple[str, Word]]:
    """Yield what may be an option with its value: `-p 80` and `--port=80` alike."""
    for word, following in pairwise([*words, Word("", 0)]):
        option, equals, value = word.text.partition("=")
        yield option, Word(value, word.offset + len(option) + 1) if equals else following


_LOOKS: tuple[Callable[[str], Iterator[Advice]], ...] = (
    _comment,
    _misspelled,
    _open_quote,
    _daemon,
    _background,
    _quiet_signal,
)
