"""How a process is told to stop: signals of a fixed table, and how long each is waited for. Pure.

Loaded into supervisord, too, therefore standard library only, and no dataclasses.

Source of the grammar: Cloud 66, `stop_sequence` of `procfile_metadata`: `signal, seconds, …, kill`.
"""

import re
import signal
from collections.abc import Sequence

SIGNALS = {
    "term": signal.SIGTERM,
    "int": signal.SIGINT,
    "quit": signal.SIGQUIT,
    "hup": signal.SIGHUP,
    "usr1": signal.SIGUSR1,
    "usr2": signal.SIGUSR2,
    "tstp": signal.SIGTSTP,
    "winch": signal.SIGWINCH,
    "kill": signal.SIGKILL,
}
MAX_SIGNALS = 5  # before the last, which is kill
LONGEST_S = 3600  # all of it
RULE = (
    "Give signals with the seconds to wait after each, and kill at the end, such as term,90,kill; there are "
    f"{', '.join(SIGNALS)}, at most {MAX_SIGNALS} of them before the last, and {LONGEST_S} s for all"
)
_WORDS = re.compile(r"[a-z0-9, ]{1,200}")

Step = tuple[str, int]


def parse(text: str) -> tuple[Step, ...]:
    """Read `term,90,kill` into signals with the seconds after each, without the kill at the end.

    Raises:
        ValueError: it is none; RULE says what is.
    """
    lower = text.lower()
    if not _WORDS.fullmatch(lower):
        raise ValueError(RULE)
    *words, last = [word.strip().removeprefix("sig") for word in lower.split(",")]
    if last != "kill" or len(words) % 2:
        raise ValueError(RULE)
    seconds = [int(word) if word.isdigit() and len(word) <= 4 else -1 for word in words[1::2]]  # noqa: PLR2004
    return checked(list(zip(words[::2], seconds, strict=True)))


def checked(given: object) -> tuple[Step, ...]:
    """See that these are signals with seconds; none is none.

    Raises:
        ValueError: they are not.
    """
    if not isinstance(given, list | tuple) or len(given) > MAX_SIGNALS:
        raise ValueError(RULE)
    steps = []
    for one in given:
        name, seconds = one if isinstance(one, list | tuple) and len(one) == 2 else (None, None)  # noqa: PLR2004
        if not isinstance(name, str) or name not in SIGNALS or name == "kill":
            raise ValueError(RULE)
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
            raise ValueError(RULE)
        steps.append((name, seconds))
    if longest_s(steps) > LONGEST_S:
        raise ValueError(RULE)
    return tuple(steps)


def render(steps: Sequence[Step]) -> str:
    """Write what `parse` reads."""
    return "".join(f"{name},{seconds}," for name, seconds in steps) + "kill"


def longest_s(steps: Sequence[Step]) -> int:
    """How long it takes until the kill."""
    return sum(seconds for _, seconds in steps)
