"""Git's transport: push, fetch and clone over smart HTTP. Packs are the `git` binary's business."""

from gitserver.git.repos import ensure_repo
from gitserver.git.routes import blueprint

__all__ = ["blueprint", "ensure_repo"]
