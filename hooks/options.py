"""What a pusher asks for with `git push -o`: text in, values or all that is wrong with it out. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stratum.errors import InvalidPushOption
from stratum.model import NO_OPTIONS, BuildOptions
from stratum.scaling import is_relative

MAX_OPTIONS = 50
MAX_REASON = 200  # characters
KNOWN = (
    "plan",
    "detach",
    "gate=build",
    "no-cache",
    "color",
    "scale=TARGET=NUMBER",
    'reason="TEXT"',
)
_SCALE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,62})=([+-]?[0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What was asked for.

    Attributes:
        plan: only say what would change.
        detach: return when the build is queued.
        gate: move the ref only when the build has succeeded.
        build: what concerns the build, and goes with it.
        reserved: number of the build that this is fetched for; None for what people push.
    """

    plan: bool = False
    detach: bool = False
    gate: bool = False
    build: BuildOptions = NO_OPTIONS
    reserved: int | None = None


def parse(given: Sequence[str], *, is_webhook: bool = False) -> PushOptions:
    """Read the options of a push.

    Args:
        is_webhook: it is our own, of what a web hook has told of: it may say for which build, `build=7`.

    Raises:
        InvalidPushOption: the first that is not known, or not allowed.
    """
    if len(given) > MAX_OPTIONS:
        reason = f"at most {MAX_OPTIONS} are taken"
        raise InvalidPushOption(given[MAX_OPTIONS], reason, KNOWN)
    flags: set[str] = set()
    scale: dict[str, int | str] = {}
    reason = ""
    reserved = None
    for option in given:
        name, _, value = option.partition("=")
        if name == "scale":
            scale |= _scales(option, value)
        elif name == "reason":
            reason = _reason(option, value)
        elif is_webhook and name == "build" and value.isdecimal():
            reserved = int(value)
        elif option in ("plan", "detach", "gate=build", "no-cache", "color"):
            flags.add(option)
        else:
            raise InvalidPushOption(option, "it is not known", KNOWN)
    build = BuildOptions("no-cache" in flags, "color" in flags, scale, reason)
    return PushOptions("plan" in flags, "detach" in flags, "gate=build" in flags, build, reserved)


def _scales(option: str, value: str) -> dict[str, int | str]:
    """Read `worker=3`, `worker=+1` or `worker=3,mailer=-1`."""
    found = [_SCALE.fullmatch(part) for part in value.split(",")]
    scales = {match[1]: _scale(match[2]) for match in found if match is not None}
    if None in found or len(scales) != len(found):
        reason = "each target is named once, with a number or a change: scale=worker=3, scale=worker=+1"
        raise InvalidPushOption(option, reason, KNOWN)
    return scales


def _scale(text: str) -> int | str:
    return text if is_relative(text) else int(text)


def _reason(option: str, value: str) -> str:
    text = value.strip()
    if not text or len(text) > MAX_REASON or not text.isprintable():
        raise InvalidPushOption(option, f"it takes 1 to {MAX_REASON} printable characters in one line", KNOWN)
    return text
