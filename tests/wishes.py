"""What is wished of an app, and what each verb changes in that: the model beside a real instance. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

TARGETS = ("web", "worker", "daemon")


@dataclass(frozen=True, slots=True)
class Code:
    """What a release runs.

    Attributes:
        text: what the commit has `web` answer with.
        tone: the one variable of the app's, "" while it is not set.
    """

    commit: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished of one app. Two are the same for who cannot see what ran before.

    Attributes:
        before: what ran before, oldest first: a rollback goes to the last of these.
    """

    code: Code
    scales: Mapping[str, int]
    paused: frozenset[str] = frozenset()
    maintenance: bool = False
    before: tuple[Code, ...] = field(default=(), compare=False)

    @classmethod
    def first(cls, code: Code) -> "Wish":
        """Wish what a first push does: one `web`, and of the others nothing yet."""
        return cls(code, {target: int(target == "web") for target in TARGETS})

    def scale(self, target: str) -> int:
        return 0 if target in self.paused else self.scales[target]

    def labels(self) -> set[str]:
        """Name the processes: `web.1`."""
        return {f"{target}.{n}" for target in TARGETS for n in range(1, self.scale(target) + 1)}

    def remembered(self) -> set[str]:
        """Name those too that come back after a pause."""
        return {f"{target}.{n}" for target in TARGETS for n in range(1, self.scales[target] + 1)}

    def released(self, code: Code) -> "Wish":
        return replace(self, code=code, before=(*self.before, self.code))

    def rolled_back(self) -> "Wish":
        return self.released(self.before[-1])

    def scaled(self, target: str, scale: int) -> "Wish":
        return replace(self, scales={**self.scales, target: scale})

    def pausing(self, targets: Iterable[str]) -> "Wish":
        return replace(self, paused=self.paused | set(targets))

    def resumed(self, targets: Iterable[str]) -> "Wish":
        return replace(self, paused=self.paused - set(targets))
