"""A word that becomes another one whenever an app's process or section does. Loaded into supervisord."""

import os
import time


class Mark:
    """Who has seen it before need not ask how 3,000 processes are."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Be none that was ever before: supervisord starts, or starts anew."""
        self._life, self._changes = f"{os.getpid()}.{time.time_ns()}", 0

    def change(self) -> None:
        """Become another one."""
        self._changes += 1

    def __str__(self) -> str:
        return f"{self._life}.{self._changes}"
