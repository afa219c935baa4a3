"""The plugin's methods as the engine calls them; `plugin.py` is the other side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from runner.engines.engine import Started
from stratum.stopping import Step
from stratum.supervisor import Supervisor

AT_ONCE = 16  # processes of one call: half a second of supervisord's on a very busy machine


@dataclass(frozen=True, slots=True)
class Wanted:
    """One process that should run; the plugin builds its section from this and nothing else."""

    environment: str
    app: str
    app_id: int
    version: int
    target: str
    index: int


@dataclass(frozen=True, slots=True)
class Sections(Supervisor):
    """The apps' processes under supervisord: one section each."""

    def add(self, wanted: Iterable[Wanted]) -> list[Started]:
        """Make sure that processes run; those that do keep their pids. One that fails stops no other.

        A few at a time: supervisord answers nobody while it forks.
        """
        entries = [asdict(entry) for entry in wanted]
        parts = [entries[first : first + AT_ONCE] for first in range(0, len(entries), AT_ONCE)]
        answers = [answer for part in parts for answer in self.call("stratum.add", part)]
        return [Started(a["name"], a.get("pid"), a.get("error", "")) for a in answers]

    def mark(self) -> str:
        """Return a word that is another one as soon as any process is, but for what time alone changes."""
        word: str = self.call("stratum.mark")
        return word

    def stop(self, names: Sequence[str], steps: Mapping[str, Sequence[Step]] | None = None) -> None:
        """Begin to stop processes; `status` tells when they have ended.

        Args:
            steps: name → signals with the seconds after each, before the kill; of others the usual grace.
        """
        known = steps or {}
        wanted = [{"name": name, "steps": list(known[name])} if name in known else name for name in names]
        self.call("stratum.stop", wanted)

    def remove(self, names: Sequence[str]) -> dict[str, str]:
        """Forget processes that have ended, and return why others were not: `{name: reason}`."""
        answers = self.call("stratum.remove", list(names))
        return {answer["name"]: answer["error"] for answer in answers if "error" in answer}
