"""What a pushed commit would start, as far as that is known before it is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hooks.checks import inside
from hooks.parts import Parts
from hooks.verdict import Offer
from stratum import buildpacks, languages
from stratum.git import Commit, find_procfile, no_procfile, read_app_json
from stratum.model import App, RefUpdate, Target, TargetSettings
from stratum.secrets import unseal
from stratum.store import releases
from stratum.tree import check_complete


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a commit says of its targets.

    Attributes:
        targets: None where a buildpack decides, as there is no Procfile.
        settings: target → how its app.json wants it kept.
    """

    targets: tuple[Target, ...] | None = ()
    settings: Mapping[str, TargetSettings] = field(default_factory=dict)


def targets_of(parts: Parts, app: App, deploying: RefUpdate, offer: Offer) -> Pushed:
    """Read the targets of what would deploy.

    Raises:
        ProcfileInvalid: they cannot be used, or there are none and no buildpack could know any.
        AppJsonInvalid: what app.json says of how they are kept cannot be used.
        CommitIncomplete: it lacks files, so that it cannot be built.
    """
    instance = parts.instance
    commit = Commit(instance.layout.repo(app.id), deploying.new, inside(instance, app, offer))
    procfile = find_procfile(commit, app.environment.stage)
    if procfile is None and not (_has_files(commit) or _names_buildpack(parts, app)):
        raise no_procfile(others=languages.advice(commit.entries(languages.FILES)))
    settings = read_app_json(commit).settings
    check_complete(commit)
    return Pushed(None if procfile is None else procfile[1].targets, settings)


def _has_files(commit: Commit) -> bool:
    """Whether the commit asks for buildpacks, or has a file at its root that a built-in one may fit."""
    return bool(commit.entries((*buildpacks.FILES, *buildpacks.detectable_files())))


def _names_buildpack(parts: Parts, app: App) -> bool:
    with parts.database.read() as tx:
        sealed = releases.get_config(tx, app.id, releases.config_version(tx, app.id))
    return buildpacks.VARIABLE in unseal(parts.instance.layout.config_key, sealed)
