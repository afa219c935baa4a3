"""The sections that supervisord knows, by name, where it has a list. Loaded into supervisord.

To take one of 3,000 out of a list is to look at all of them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Configs:
    """Sections as supervisord goes through them (4.3.0, `options.process_group_configs`)."""

    def __init__(self, configs: Iterable[Any]) -> None:
        self._by_name = {config.name: config for config in configs}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._by_name.values())

    def put(self, config: Any) -> None:
        """Have one, in the place of another of its name."""
        self._by_name[config.name] = config

    def drop(self, name: str) -> None:
        """Have none of a name."""
        self._by_name.pop(name, None)


def install(options: Any, catch_up: Callable[[], None]) -> None:
    """Have supervisord keep its sections so, also those that it reads anew.

    Args:
        catch_up: brings the file that it reads up to date.
    """
    read = options.process_config

    def read_anew(**how: Any) -> None:
        catch_up()
        read(**how)
        options.process_group_configs = Configs(options.process_group_configs)

    options.process_config = read_anew
    options.process_group_configs = Configs(options.process_group_configs)
