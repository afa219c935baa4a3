"""Where one build is worked on: its scratch, its clock, its narration and its variables."""

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from builder import inherited
from builder.flushing import Flushing
from builder.narration import Narration
from builder.workshop import Workshop
from stratum.door.errors import StepOverLimit, StepTimedOut
from stratum.door.leash import Leash
from stratum.door.limits.limits import DISK, SETTINGS
from stratum.errors import BuildFailed, StratumError
from stratum.model import Build, BuildOptions

_DIGEST = re.compile(rb"[0-9a-f]{64}\n")
_DISK_FULL = re.compile(r"No space left on device|disk quota exceeded|disk is full", re.IGNORECASE)
_MAKE_ROOM = "The server's disk is full. Its operator has to make room; then push again."
_WAITS = "See what it waits for; an operator may raise STRATUM_BUILD_TIMEOUT_S."
_OUT_OF_MEMORY = (
    "Most likely the memory that it may use was not enough. Push again with less to build, or ask the "
    "operator for more memory, or a higher limit."
)
_CRASHED = (
    "Its program crashed, or somebody ended it: push again, and tell the operator if that does not help."
)
OVERDUE_S = 120.0  # what is done beside the steps, such as clearing up, is not that slow
_SILENT = "It had printed nothing."
_DISK = SETTINGS[DISK]


class Bench:
    """Runs the steps of one build.

    Attributes:
        doing: what the pusher would call the work at hand, for a failure's sake.
        flushing: begun where much was written, and the next step does not write yet.
    """

    def __init__(self, shop: Workshop, build: Build, narration: Narration) -> None:
        self.shop, self.build, self.narration = shop, build, narration
        self.doing = "The build"
        self._limit_s = shop.instance.settings.build_timeout_s
        self._end = time.monotonic() + self._limit_s
        self._environ = {"LANG": "C.UTF-8", **inherited.environ()}
        self._asked = _variables_for(build.options)
        self._leash = Leash()
        self.flushing = Flushing(shop.door, build.app_id, build.number)

    @property
    def is_overdue(self) -> bool:
        """Whether it is at work for longer than it may though each step is ended in time: it stands still."""
        return time.monotonic() > self._end + OVERDUE_S

    @property
    def is_called_off(self) -> bool:
        """Whether somebody has given the build up: whatever failed since then tells nothing."""
        return self._leash.is_cut

    def call_off(self) -> None:
        """End the step that runs, with all that it has started, and begin no other; from any thread."""
        self._leash.cut()

    def mask(self, variables: Mapping[str, str]) -> None:
        """Keep values of the app, and what the server signs in with elsewhere, out of the log."""
        ours = inherited.credentials(self._environ)
        both = {name: f"{ours.get(name, '')}\n{variables.get(name, '')}" for name in {*ours, *variables}}
        self.narration.mask(both)

    def clear(self) -> None:
        """Remove the scratch, and end all that still works there."""
        self.shop.door.discard(self.build.app_id, self.build.number)

    def run(
        self,
        step: str,
        *,
        stdin: int | None = None,
        mend: str = "",
        mark: str = "",
    ) -> None:
        """Run a step of the door's table, with its output live in the log.

        Args:
            step: its name; `doing` says what the pusher calls it.
            mend: what the pusher may do about a failure.
            mark: how a program of ours has the log show a step (`Narration.live`).

        Raises:
            BuildFailed: it failed, took too long, or its output could not be kept.
        """
        with self._in_time(), self.narration.live(mark, self._begin) as output:
            code = self._run(step, stdin, output, {**self._environ, **self._asked})
        if code:
            raise self._failure(code, mend)
        self.check_log()

    def close(self) -> str:
        """Close what has been built to writing, and compute its digest.

        Raises:
            BuildFailed: as `run`.
        """
        readable, writable = os.pipe()
        try:
            with self._in_time():
                code = self._run("close", None, writable, self._environ)
            os.write(writable, b"\n")  # so that the read below never waits
            said = os.read(readable, 4096)
        finally:
            os.close(readable)
            os.close(writable)
        found = _DIGEST.match(said)
        if code or found is None:
            self.narration.output(said)
            raise self._failure(code, "")
        return found[0].decode().strip()

    def check_log(self) -> None:
        """See that the log has taken everything so far.

        Raises:
            BuildFailed: it has not, so the pusher saw less than there was.
        """
        mishap = self.narration.mishap
        if mishap is not None:
            raise self.broken(mishap.strerror or str(mishap))

    def broken(self, detail: str, hint: str = "") -> BuildFailed:
        """Say that the work at hand failed by the server's fault, not the app's."""
        return BuildFailed(self.doing, detail, hint=_MAKE_ROOM if _DISK_FULL.search(detail) else hint)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Turn the end of the time, or of the room, into the failure, once all that was printed is read."""
        self.narration.tail.clear()
        try:
            yield
        except StepTimedOut as error:
            said = f"the build took longer than {self._limit_s} s and was ended."
            last = tuple(self.narration.tail)
            detail = said if last else f"{said} {_SILENT}"
            raise BuildFailed(self.doing, detail, hint=_WAITS, output=last) from error
        except StepOverLimit as error:
            last = tuple(self.narration.tail)
            hint = error.hint + self._room_again() if error.setting == _DISK else error.hint
            raise BuildFailed(self.doing, error.detail, hint=hint, output=last) from error

    def _room_again(self) -> str:
        """Empty the app's cache, which counts as the build's: too full a one would end each from now on."""
        try:
            self.shop.door.empty_cache(self.build.app_id)
        except (StratumError, OSError):
            return ""  # the next build says the same, and tries again
        return " What builds had kept for the next ones is removed."

    def _begin(self, doing: str) -> None:
        self.doing = doing

    def _run(self, step: str, stdin: int | None, stdout: int, environ: Mapping[str, str]) -> int:
        left_s = self._end - time.monotonic()
        if left_s <= 0:
            raise StepTimedOut(step, self._limit_s)
        build = self.build
        return self.shop.door.run(
            build.app_id,
            build.number,
            step,
            environ,
            stdin=stdin,
            stdout=stdout,
            timeout_s=left_s,
            leash=self._leash,
        )

    def _failure(self, code: int, mend: str) -> BuildFailed:
        last = tuple(self.narration.tail)
        failure = BuildFailed(self.doing, "" if last else _SILENT, code, mend, output=last)
        if _DISK_FULL.search("\n".join(last)):
            failure.hint = _MAKE_ROOM
        elif failure.signal is not None:
            failure.hint = _OUT_OF_MEMORY if failure.signal == signal.SIGKILL else _CRASHED
        return failure


def _variables_for(options: BuildOptions) -> dict[str, str]:
    """Have a step's programs do what was asked. Source: force-color.org and bixense.com/clicolors."""
    return {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"} if options.color else {}
