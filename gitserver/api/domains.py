"""Domains of an app's own."""

import re

from apiflask import APIBlueprint
from flask import request

from gitserver.api import rows
from gitserver.api.access import again, app_named, caller
from gitserver.api.changes import done
from gitserver.api.shapes import NewDomain
from gitserver.services import services
from stratum.domains import checked_domain, listed_hosts
from stratum.errors import NotAllowed
from stratum.store import domains
from stratum.verbs.domains import add_domain, remove_domain

blueprint = APIBlueprint("domains", __name__, url_prefix="/api/apps/<environment>/<app>/domains")


@blueprint.get("")
def list_all(environment: str, app: str) -> list[rows.Row]:
    """List them by name."""
    with services().database.read() as tx:
        return [{"name": name} for name in domains.domains_of(tx, app_named().id)]


@blueprint.post("")
@blueprint.input(NewDomain, location="json")
def add(environment: str, app: str, json_data: NewDomain) -> tuple[rows.Row, int]:
    """Add one."""
    name = _checked(json_data.name)
    with services().database.write() as tx:
        change = add_domain(tx, again(tx), name)
    return {"name": name, **done(change)}, 201


@blueprint.delete("/<name>")
def remove(environment: str, app: str, name: str) -> rows.Row:
    """Remove one."""
    settings = services().instance.settings
    chosen = checked_domain(name, settings.apps_domain, ())
    with services().database.write() as tx:
        change = remove_domain(tx, again(tx), chosen)
    return done(change)


def _checked(given: str) -> str:
    """See that an app may have a domain.

    Raises:
        InvalidDomain: none may have this one.
        NotAllowed: which names are Stratum's own is not set, so that only an administrator could tell.
    """
    settings = services().instance.settings
    own = listed_hosts(settings.control_hosts)
    if not own and not caller().is_admin:
        action = "add domains as long as STRATUM_CONTROL_HOSTS is not set"
        raise NotAllowed(action, app_named().label, "have an administrator's token for")
    asked = re.sub(r":\d*$", "", request.host)
    return checked_domain(given, settings.apps_domain, {*own, asked})
