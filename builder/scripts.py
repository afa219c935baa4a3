"""The operator's hook scripts before a build: any of them may stop it."""

from builder.bench import Bench
from stratum.errors import BuildFailed
from stratum.hookscripts.found import PRE_BUILD
from stratum.hookscripts.runner import Scripts
from stratum.model import App

_HINT = "It is a program of this server's operator: ask them, if it does not say what to do."


class _CalledOff(Exception):
    """Nobody wants the build any more."""


def run_pre_build(bench: Bench, app: App) -> None:
    """Run `hooks.d/pre-build/*`, with what they print in the log.

    Raises:
        BuildFailed: one has not succeeded, or the build was given up meanwhile.
    """
    build = bench.build
    said = {
        "number": build.number,
        "commit": build.commit,
        "source": build.source,
        "reason": build.options.reason,
        "who": build.who,
    }

    def look() -> None:
        if bench.is_called_off:
            raise _CalledOff

    scripts = Scripts(bench.shop.instance, app, PRE_BUILD, {"build": said}, look)
    found = scripts.found()
    if not found:
        return
    bench.doing = "Running hook scripts"
    bench.narration.step(f"Hook scripts of the server: {', '.join(one.name for one in found)}")
    try:
        for script, ended in scripts.run(found):
            bench.narration.output(ended.output)
            if ended.trouble:
                bench.doing = f"Hook script {script.name}"
                raise BuildFailed(bench.doing, f"It {ended.trouble}.", hint=_HINT)
    except _CalledOff as error:
        raise BuildFailed(bench.doing, "the build was given up.") from error
