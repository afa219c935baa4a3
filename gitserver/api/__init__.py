"""The JSON API, below `/api`: a module per noun, each with one blueprint."""

from apiflask import APIBlueprint

from gitserver.api import (
    apps,
    buildpacks,
    builds,
    deploykeys,
    domains,
    environments,
    events,
    formation,
    logs,
    maintenance,
    notifications,
    releases,
    reviews,
    rollouts,
    status,
    storage,
    targets,
    tokens,
    variables,
    webhooks,
)

BLUEPRINTS: tuple[APIBlueprint, ...] = tuple(
    module.blueprint
    for module in (
        apps,
        buildpacks,
        builds,
        deploykeys,
        domains,
        environments,
        events,
        formation,
        logs,
        maintenance,
        notifications,
        releases,
        reviews,
        rollouts,
        status,
        storage,
        targets,
        tokens,
        variables,
        webhooks,
    )
)
