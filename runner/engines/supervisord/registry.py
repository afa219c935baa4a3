"""The apps' sections inside a running supervisord, and the file that mirrors them. Loaded into supervisord.

Adding and removing costs the same whether 10 or 3,000 programs run: only the one section is parsed, and the
file is written later (`mirror.py`). It is read by supervisord alone, on `supervisorctl update`; it must hold
what runs then, or that would stop it.
"""

import os
from pathlib import Path
from typing import Any

from supervisor.options import ProcessGroupConfig, UnhosedConfigParser
from supervisor.states import ProcessStates

from runner.engines.supervisord import oldlogs
from runner.engines.supervisord.mirror import Mirror
from runner.engines.supervisord.options import Options
from runner.engines.supervisord.process import AppConfig, AppProcess, mark
from runner.engines.supervisord.sections import Entry, is_ours, render

ENDED_STATES = (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL, ProcessStates.UNKNOWN)

_DOTS = 2  # of `<environment>.<app>.v`


class Registry:
    """Every section of an app's process, by name."""

    def __init__(self, supervisord: Any, options: Options) -> None:
        self._supervisord = supervisord
        self._options = options
        self.mirror = Mirror(options.apps_conf, supervisord.options.logger)
        self.processes: dict[str, AppProcess] = {}
        self._of_apps: dict[str, dict[str, AppProcess]] = {}  # by what the names of an app's begin with
        self._left: set[str] = set()  # folders with logs of what is no more

    def forget_former_life(self) -> None:
        """Drop what supervisord read from the file: nothing of it runs, the applier adds what is wished.

        It comes to that only when supervisord starts anew by itself (SIGHUP); `stratum up` empties the
        file, lest a section of a deleted app, whose log folder is gone, keep supervisord from starting.
        """
        names = [config.name for config in self._supervisord.options.process_group_configs]
        for name in filter(is_ours, names):
            self._drop(name)
        self.mirror.write()

    def declare(self, wished: Entry) -> AppProcess:
        """Return the process of an entry, made if it is new.

        Raises:
            ValueError: it has no uid, its name runs already for another app, or somebody else has started it.
            OSError: the folder of its log cannot be made.
        """
        text = self._render(wished)
        known = self._seen_by_supervisord(wished.name)
        if known is not None and self.mirror.holds(wished.name, text):
            return known
        if known is not None and known.get_state() not in ENDED_STATES:
            message = f"{wished.name} runs as another app; stop and remove that first"
            raise ValueError(message)
        self._drop(wished.name)
        return self._add(wished, text)

    def _seen_by_supervisord(self, name: str) -> AppProcess | None:
        """Return the process of a name, unless an operator's `supervisorctl remove` has taken it away.

        Raises:
            ValueError: `supervisorctl update` has put another in its place since, which runs.
        """
        group, process = self._supervisord.process_groups.get(name), self.processes.get(name)
        if group is None or group.processes.get(name) is process:
            return process if group else None
        if group.get_unstopped_processes():
            message = f"{name} was started by supervisorctl; stop it there"
            raise ValueError(message)
        return None

    def beginning_with(self, text: str) -> dict[str, AppProcess]:
        """Find processes by how their names begin; those of one app without a look at all others."""
        if text.endswith(".v") and text.count(".") == _DOTS:
            return self._of_apps.get(text, {})
        return {name: process for name, process in self.processes.items() if name.startswith(text)}

    def forget(self, name: str) -> None:
        """Remove a section.

        Raises:
            ValueError: its process has not ended.
        """
        process = self.processes.get(name)
        if process is not None and process.get_state() not in ENDED_STATES:
            message = f"{name} has not ended yet; stop it first"
            raise ValueError(message)
        self._drop(name)
        if process is not None:
            self._left.add(process.config.stdout_logfile.rpartition("/")[0])

    def prune_logs(self) -> None:
        """Remove old logs of the apps that sections were removed of."""
        while self._left:
            oldlogs.prune(self._left.pop(), self.processes)

    def _render(self, wished: Entry) -> str:
        options = self._options
        log = options.log(wished.app_id, wished.name)
        uid = options.uid(wished.app_id)
        self._make_log_folder(Path(log).parent)
        return render(wished, uid, options.launch, log, options.stop_grace_s)

    def _make_log_folder(self, folder: Path) -> None:
        """The set-gid bit hands each log in it, rotated ones too, to the service; no other may enter."""
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            return
        if self._options.service_gid is not None:
            os.chown(folder, 0, self._options.service_gid)
            folder.chmod(0o2750)

    def _add(self, wished: Entry, text: str) -> AppProcess:
        group = self._parse(text)
        self._supervisord.add_process_group(group)
        self._supervisord.options.process_group_configs.put(group)
        process: AppProcess = self._supervisord.process_groups[wished.name].processes[wished.name]
        self.mirror.put(wished.name, text)
        self.processes[wished.name] = process
        self._of_apps.setdefault(_begin(wished.name), {})[wished.name] = process
        mark.change()
        return process

    def _parse(self, text: str) -> Any:
        """Read one section the way supervisord reads its file, so that `update` finds the two equal."""
        options = self._supervisord.options
        parser = UnhosedConfigParser()
        parser.expansions = options.environ_expansions
        parser.read_string(text)
        (group,) = options.process_groups_from_parser(parser)
        common = options.configroot.supervisord.environment
        for config in group.process_configs:
            config.environment = {**common, **config.environment}
        configs = [AppConfig(**vars(config)) for config in group.process_configs]
        return ProcessGroupConfig(options, group.name, group.priority, configs)

    def _drop(self, name: str) -> None:
        supervisord = self._supervisord
        if name in supervisord.process_groups:
            supervisord.remove_process_group(name)
        supervisord.options.process_group_configs.drop(name)
        self.mirror.drop(name)
        self.processes.pop(name, None)
        mine = self._of_apps.get(_begin(name), {})
        mine.pop(name, None)
        if not mine:
            self._of_apps.pop(_begin(name), None)
        mark.change()


def _begin(name: str) -> str:
    return f"{name.rsplit('.', 3)[0]}.v"
