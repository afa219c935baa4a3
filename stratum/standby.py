"""A fork that stands ready for its job: it has opened what each job needs, and only waits to be told.

Of a job's first 12 ms most went to making the fork, to the pages that it copies, and to its connection to
the database. Nothing here knows redis or RQ.
"""

import importlib
import json
import os
import select
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

REST_S = (
    0.5  # until it prepares itself: it is made when another has just begun its job, and needs the processor
)
_MOST_BYTES = os.pathconf("/", "PC_PIPE_BUF")  # what is written whole, or not at all (pipe(7))


@dataclass(frozen=True, slots=True)
class Standby:
    """One such fork, as its parent knows it."""

    pid: int
    _orders: int

    @classmethod
    def make(cls, child: Callable[[Callable[[], None]], object]) -> Self:
        """Fork it.

        Args:
            child: what the fork does once it has rested; given a function that waits for the job and does it.
                Signals are its caller's business.

        Raises:
            OSError: none can be made.
        """
        parent = os.getpid()
        told, orders = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(told)
            os.close(orders)
            raise
        if not pid:
            try:
                os.close(orders)
                select.select([told], [], [], REST_S)
                if os.getppid() == parent:
                    child(lambda: _do(told))
            finally:  # lest it go on as another of its parent
                os._exit(0)
        os.close(told)
        return cls(pid, orders)

    def begin(self, function: str, arguments: Sequence[object]) -> bool:
        """Give it its job; False when it has ended meanwhile. No other can be given to it.

        Args:
            function: by its full name; called with the arguments, of which JSON is made.
        """
        order = json.dumps([function, *arguments]).encode()
        try:
            return len(order) <= _MOST_BYTES and os.write(self._orders, order) == len(order)
        except BrokenPipeError:
            return False
        finally:
            self.dismiss()

    def dismiss(self) -> None:
        """Have it end, unless it has a job."""
        with suppress(OSError):
            os.close(self._orders)


def _do(told: int) -> None:
    order = os.read(told, _MOST_BYTES)
    os.close(told)
    if order:
        function, *arguments = json.loads(order)
        module, _, name = function.rpartition(".")
        getattr(importlib.import_module(module), name)(*arguments)
