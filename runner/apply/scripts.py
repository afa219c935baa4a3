"""The operator's hook scripts before anything of a new release runs: any of them may stop it."""

from collections.abc import Callable

from runner.apply.parts import Parts
from runner.apply.report import Report
from runner.probe import OUTPUT_LINES
from stratum import queue
from stratum.buildlog import harmless
from stratum.errors import ReleaseStopped
from stratum.hookscripts.found import PRE_RELEASE
from stratum.hookscripts.runner import Scripts
from stratum.model import App, Release
from stratum.store import builds


def run_pre_release(
    parts: Parts, report: Report, app: App, release: Release, look: Callable[[], object]
) -> None:
    """Run `hooks.d/pre-release/*`, with what they print in the log of the build.

    Args:
        look: called now and then while one runs; what it raises ends it.

    Raises:
        ReleaseStopped: one has not succeeded, so nothing of the release may start.
    """
    scripts = Scripts(parts.instance, app, PRE_RELEASE, _data(parts, release), look)
    found = scripts.found()
    if not found:
        return
    report.scripts_begun([one.name for one in found])
    with queue.waiting():  # it takes nothing from other apps but a place
        for script, ended in scripts.run(found):
            report.phase_output(ended.output)
            if ended.trouble:
                lines = harmless(ended.output).decode("utf-8", "replace").splitlines()[-OUTPUT_LINES:]
                reason = f"the hook script {script.name} of this server's operator {ended.trouble}."
                raise ReleaseStopped(release.version, reason, lines)


def _data(parts: Parts, release: Release) -> dict[str, object]:
    said = {"version": release.version, "commit": release.commit, "cause": release.cause, "who": release.who}
    number = None
    if release.build_id is not None:
        with parts.database.read() as tx:
            number = builds.get_build(tx, release.build_id).number
    return {"release": said, "build": number}
