"""The road of one build, from the commit to a sealed slug; `builder.outcome` records how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from builder.accounts import check_accounts
from builder.answer import Made
from builder.bench import Bench
from builder.checkout import checkout
from builder.compiling import compile_app
from builder.processtypes import as_procfile, passed_over, process_types
from builder.room import check_room
from builder.scripts import run_pre_build
from builder.unfitted import tell_unfitted
from builder.unset import tell_unset
from stratum import faults
from stratum.appjson import AppJson
from stratum.buildpacks import VARIABLE
from stratum.errors import AppJsonInvalid, BuildFailed, InvalidInput, ProcfileInvalid
from stratum.git import Commit, find_procfile, no_procfile, read_app_json
from stratum.model import NO_CONTENTS, App, Contents, Target
from stratum.procfile import Procfile, parse
from stratum.secrets import unseal
from stratum.spool import commit_of
from stratum.store import builds, releases
from stratum.tree import check_complete

_CORRECT = "Correct it, commit, and push again."
_INSTEAD = {
    "config_vars": "Set variables with `stratum vars set`, or have the buildpack write them to .profile.d.",
    "addons": "Have a database or the like elsewhere, and set its address with `stratum vars set`.",
}
_NOTHING = "there is none, and no buildpack knows what to start"


class Lost(Exception):
    """The build is somebody else's by now, or its app is gone; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Slug:
    """A built tree in its place, and what may be started from it."""

    digest: str
    targets: tuple[Target, ...]
    contents: Contents = NO_CONTENTS


def make_slug(bench: Bench, app: App) -> Slug:
    """Turn the build's commit into a slug.

    Raises:
        StratumError: a step failed (BuildFailed), or something it stands on does not answer.
        Lost: somebody else has taken the build over.
    """
    instance = bench.shop.instance
    check_accounts(bench.shop)
    check_room(instance.layout.data, instance.settings.min_free_bytes)
    commit = commit_of(instance.layout, bench.build)
    procfile = _read_procfile(bench, commit, app)
    asked = _read_app_json(bench, commit)
    _check_complete(bench, commit)
    run_pre_build(bench, app)
    bench.shop.door.prepare(app.id)
    checkout(bench, commit)
    bench.flushing.begin()
    faults.reach("build.unpacked")
    made = _compile(bench, commit, wants_processes=procfile is None)
    bench.flushing.begin()
    tell_unfitted(bench, commit, made.contents)
    targets = _defaults(bench, made) if procfile is None else procfile.targets
    faults.reach("build.installed")
    _tell(bench, asked, targets)
    tell_unset(bench, commit, made.contents, targets, _variables(bench))
    slug = _seal(bench, targets, replace(made.contents, settings=asked.settings))
    faults.reach("build.sealed")
    return slug


def made_before(bench: Bench) -> Slug | None:
    """Find what an accepted gated build has made before its ref moved, or a builder before it was lost."""
    build = bench.build
    if not build.slug:
        return None
    if _is_there(bench):
        return Slug(build.slug, build.targets, build.contents)
    if build.attempt == 1:  # else it may never have been there
        bench.narration.step("Building again: what was built is no longer there")
    return None


def _is_there(bench: Bench) -> bool:
    """Whether the noted slug is in its place; whole, where it may have come there in the last moment."""
    door, build = bench.shop.door, bench.build
    if build.attempt > 1:
        return door.slug_digest(build.app_id, build.slug) == build.slug
    return door.has_slug(build.app_id, build.slug)


def _read_procfile(bench: Bench, commit: Commit, app: App) -> Procfile | None:
    bench.doing = "Reading the Procfile"
    try:
        found = find_procfile(commit, app.environment.stage)
    except ProcfileInvalid as error:
        raise BuildFailed(bench.doing, "\n".join(error.lines()), hint=_CORRECT) from error
    if found is None:
        bench.narration.step("No Procfile: the buildpack decides what is started")
        return None
    name, procfile = found
    bench.narration.step(f"{name}: {', '.join(target.name for target in procfile.targets)}")
    for warning in procfile.warnings:
        bench.narration.indent("\n".join(warning.lines("warning: ")))
    return procfile


def _read_app_json(bench: Bench, commit: Commit) -> AppJson:
    bench.doing = "Reading app.json"
    try:
        return read_app_json(commit)
    except AppJsonInvalid as error:
        raise BuildFailed(bench.doing, "\n".join(error.lines()), hint=_CORRECT) from error


def _tell(bench: Bench, asked: AppJson, targets: tuple[Target, ...]) -> None:
    """Warn of what of app.json has no effect."""
    for warning in (*asked.warnings, *asked.strangers([target.name for target in targets])):
        bench.narration.indent("\n".join(warning.lines("warning: ")))


def _defaults(bench: Bench, made: Made) -> tuple[Target, ...]:
    """Take what the last buildpack starts by default; a site needs no process."""
    bench.doing = "Choosing what to start"
    try:
        types = process_types(made.processes)
        targets = parse(as_procfile(types), "bin/release").targets if types else ()
    except ProcfileInvalid as error:
        raise BuildFailed(bench.doing, "\n".join(error.lines()), hint=_CORRECT) from error
    except InvalidInput as error:
        raise BuildFailed(bench.doing, error.message, hint=error.hint) from error
    for name in passed_over(made.processes):
        bench.narration.indent(f"warning: {name} of bin/release has no effect. {_INSTEAD[name]}")
    if types:
        bench.narration.step("Started by default:")
        bench.narration.indent(as_procfile(types).decode().rstrip("\n"))
    if targets or made.contents.site:
        return targets
    detail = "\n".join(no_procfile(_NOTHING).lines())
    raise BuildFailed(bench.doing, detail, hint=made.advice or _CORRECT)


def _check_complete(bench: Bench, commit: Commit) -> None:
    """Look once more at what the push was asked for: what is built again may be older than the question."""
    bench.doing = f"Looking at {commit.id[:7]}"
    try:
        check_complete(commit)
    except InvalidInput as error:
        raise BuildFailed(bench.doing, error.message, hint=error.hint) from error


def _compile(bench: Bench, commit: Commit, *, wants_processes: bool) -> Made:
    if bench.build.options.no_cache:
        bench.narration.step("Building without the cache")
    return compile_app(bench, commit, _variables(bench), wants_processes=wants_processes)


def _variables(bench: Bench) -> Mapping[str, str]:
    """The app's variables in force: what installs its code may need them."""
    app_id = bench.build.app_id
    with bench.shop.db.read() as tx:
        sealed = releases.get_config(tx, app_id, releases.config_version(tx, app_id))
    variables = unseal(bench.shop.instance.layout.config_key, sealed)
    bench.mask({name: value for name, value in variables.items() if name != VARIABLE})
    return variables


def _seal(bench: Bench, targets: tuple[Target, ...], contents: Contents) -> Slug:
    """Put what was built in its place, noted before: what nobody has noted, nobody removes.

    Raises:
        Lost: it may not be noted any more.
    """
    bench.doing = "Sealing what was built"
    build, shop = bench.build, bench.shop
    slug = Slug(bench.close(), targets, contents)
    bench.flushing.end()
    with shop.db.write() as tx:
        if not builds.note_slug(tx, build, slug.digest, targets, contents):
            raise Lost
    shop.door.seal(build.app_id, build.number, slug.digest)
    bench.check_log()
    return slug
