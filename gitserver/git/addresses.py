"""Addresses of repositories: `<environment>/<app>`, with `.git` or without, as git hosts have them."""

from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

SUFFIX = ".git"


class EnvironmentName(BaseConverter):
    """The first folder of a repository's address; `api`, which no environment is called, is not ours."""

    regex = r"(?!api\Z)[^/]+"
    part_isolating = True  # werkzeug takes the slash in the brackets for one in the path


class RepositoryName(BaseConverter):
    """The second: the app's name, which has no dot, with or without the suffix."""

    def to_python(self, value: str) -> str:
        """Leave the suffix out, once."""
        return value.removesuffix(SUFFIX)


def tell(setup: BlueprintSetupState) -> None:
    """Have an app know them before it meets the routes of a blueprint: `blueprint.record(tell)`."""
    setup.app.url_map.converters.update(environment=EnvironmentName, repository=RepositoryName)
