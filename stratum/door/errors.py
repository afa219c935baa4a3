"""What a step of a build can end in besides its exit code."""

from stratum.errors import BuildFailed


class StepTimedOut(BuildFailed):
    """A step took longer than it may; all its processes have been ended.

    Attributes:
        limit_s: what it was given, in seconds.
    """

    slug = "step-timed-out"

    def __init__(self, step: str, limit_s: float) -> None:
        super().__init__(step, f"it took longer than {limit_s:g} s and was ended.")
        self.limit_s = limit_s


class StepOverLimit(BuildFailed):
    """A step used more of the machine than it may; all its processes have been ended.

    Attributes:
        detail: which limit, and what it is.
        setting: by which an operator may raise it.
    """

    slug = "step-over-limit"

    def __init__(self, step: str, detail: str, setting: str) -> None:
        super().__init__(step, detail, hint=f"An operator may raise {setting}.")
        self.setting = setting
