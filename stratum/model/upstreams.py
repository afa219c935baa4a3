"""What the git server of a web hook is told of commits by its API, and how that went."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What there is to say of a commit; each git server has words of its own for these."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"  # it did not come to a build
    CANCELED = "canceled"


class StatusKind(StrEnum):
    """As what a git server is told of a commit."""

    COMMIT = "status"  # beside the commit
    DEPLOYMENT = "deployment"  # GitHub's


@dataclass(frozen=True, slots=True)
class Upstream:
    """A web hook's git server, as far as it is asked and told by its API.

    Attributes:
        statuses: whether it is told what becomes of commits.
        deployments: whether builds are deployments there.
        api_url: where its API is; empty: where that follows from the clone URL.
        wait_for_ci: whether a commit is deployed only once its checks are green.
        ci_limit_s: for how long it waits for them at most.
        sealed_token: `user` and `password`; None: with what the source is fetched.
    """

    webhook_id: int
    statuses: bool = False
    deployments: bool = False
    api_url: str = ""
    sealed_token: bytes | None = None
    wait_for_ci: bool = False
    ci_limit_s: int = 3600


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """What a git server was told of a commit, and whether it is to be told more.

    Attributes:
        context: names us beside others who say something of the commit.
        delivery: number of the newest that was of this commit.
        build: number of the newest build of it, of a deployment that of its own; None: it came to none.
        told: the word that the git server has acknowledged; empty: none yet.
        told_build: of which build that was.
        remote_id: what the git server calls a deployment; empty: not known.
        attempts: that were begun since there was something new to say.
        due_at: when to look what there is to say; None: not before something happens.
        busy_until: somebody is at it, and dead if this has passed; None: nobody.
        answered: what the git server last answered; None where it did not come so far.
        error: why the last attempt did not count; empty: it did.
    """

    id: int
    webhook_id: int
    app_id: int
    kind: StatusKind
    commit: str
    branch: str
    context: str
    delivery: int | None
    build: int | None
    told: str
    told_build: int | None
    attempts: int
    due_at: datetime | None
    busy_until: datetime | None
    answered: int | None
    error: str
    told_at: datetime | None
    remote_id: str
