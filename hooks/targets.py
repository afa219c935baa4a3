"""What a pushed commit would start, as far as that is known before it is built."""

from hooks.checks import inside
from hooks.parts import Parts
from hooks.verdict import Offer
from stratum import buildpacks
from stratum.git import Commit, find_procfile, no_procfile, read_app_json
from stratum.model import App, RefUpdate, Target
from stratum.secrets import unseal
from stratum.store import releases
from stratum.tree import check_complete


def targets_of(parts: Parts, app: App, deploying: RefUpdate, offer: Offer) -> tuple[Target, ...] | None:
    """Read the targets of what would deploy; None where a buildpack decides, as there is no Procfile.

    Raises:
        ProcfileInvalid: they cannot be used, or there are none and no buildpack could know any.
        AppJsonInvalid: what app.json says of how they are kept cannot be used.
        CommitIncomplete: it lacks files, so that it cannot be built.
    """
    instance = parts.instance
    commit = Commit(instance.layout.repo(app.id), deploying.new, inside(instance, app, offer))
    procfile = find_procfile(commit, app.environment.stage)
    if procfile is None and not (_has_files(commit) or _names_buildpack(parts, app)):
        raise no_procfile()
    read_app_json(commit)
    check_complete(commit)
    return None if procfile is None else procfile[1].targets


def _has_files(commit: Commit) -> bool:
    """Whether the commit asks for buildpacks, or has a file at its root that a built-in one may fit."""
    return bool(commit.entries((*buildpacks.FILES, *buildpacks.detectable_files())))


def _names_buildpack(parts: Parts, app: App) -> bool:
    with parts.database.read() as tx:
        sealed = releases.get_config(tx, app.id, releases.config_version(tx, app.id))
    return buildpacks.VARIABLE in unseal(parts.instance.layout.config_key, sealed)
