"""Fakes: classes that keep a list of what was asked of them."""


class FakeNudges:
    """Stands for `stratum.queue.Nudges`."""

    def __init__(self) -> None:
        self.builds: list[int] = []
        self.rollouts: list[int] = []
        self.fetches: list[int] = []

    def build(self, app_id: int) -> bool:
        self.builds.append(app_id)
        return True

    def rollout(self, app_id: int) -> bool:
        self.rollouts.append(app_id)
        return True

    def fetch(self, app_id: int) -> bool:
        self.fetches.append(app_id)
        return True
