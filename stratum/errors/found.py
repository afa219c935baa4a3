"""What is asked for is not there, or is not as it would have to be."""

from stratum.errors.root import StratumError


class NotFound(StratumError):
    """No such thing, or none that the caller may know of."""

    slug = "not-found"

    def __init__(self, what: str, name: str, hint: str = "") -> None:
        super().__init__(f"There is no {what} {name!r} here that you may use.", hint)
        self.what, self.name = what, name


class Renamed(NotFound):
    """An app is called something else now; told only to who may see it.

    Attributes:
        now: its label, `MyProdEnv/app02`.
    """

    slug = "renamed"

    def __init__(self, name: str, now: str, hint: str) -> None:
        super().__init__("app", name, hint)
        self.message = f"{name} is called {now} now."
        self.now = now


class Conflict(StratumError):
    """The request is sound, but the present state forbids it."""

    slug = "conflict"


class AlreadyExists(Conflict):
    """The name is taken."""

    slug = "already-exists"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"The {what} {name!r} exists already (names are compared without regard to case).")
        self.what, self.name = what, name


class NothingReleased(Conflict):
    """The app has no release yet, so there is nothing to scale, restart or roll back."""

    slug = "nothing-released"

    def __init__(self, app: str) -> None:
        super().__init__(f"{app} has no release yet.", "Push first: git push catalyze master.")
        self.app = app


class ServedByRouter(Conflict):
    """The release that runs has a site in place of web processes, so there are none to scale."""

    slug = "served-by-router"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"v{version} has no web process: the router serves its site by itself, to however many ask.",
            "Add a line for web to the Procfile and push, if a process is to answer.",
        )
        self.version = version


class TooManyProcesses(Conflict):
    """An app would have more processes than it may."""

    slug = "too-many-processes"

    def __init__(self, app: str, wished: int, most: int) -> None:
        count = "1 process" if wished == 1 else f"{wished} processes"
        name = app.rpartition("/")[2]
        super().__init__(
            f"{app} would have {count}, and may have {most}.",
            "Scale another target down, or ask an administrator for more: "
            f"stratum apps set {name} --max-processes {wished}.",
        )
        self.app, self.wished, self.most = app, wished, most
