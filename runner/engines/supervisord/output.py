"""What an app's process writes: read by supervisord, which owns the pipe, and kept in a file with its times.

Loaded into supervisord. The log is what was written, byte for byte, so that `supervisorctl tail` shows it;
only what a process leaves within a line has that line ended, lest the next start goes on in it.
Beside it, in `<log>.times`, stands from which byte on it was written when: eight bytes at most once a
second (`<II`: offset, epoch seconds). `stratum.logtimes` reads them.
"""

import fcntl
import os
import struct
import termios
import time
from contextlib import suppress
from typing import Any

from supervisor.dispatchers import POutputDispatcher
from supervisor.loggers import RotatingFileHandler

MARK = struct.Struct("<II")
EVERY_S = 1.0
MAX_DENSE_BYTES = 1 << 20  # of marks beside one file; beyond them one is set
SPARSE_S = 60.0
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class TimedLog(RotatingFileHandler):  # type: ignore[misc]
    """Supervisor's own rotating file, and the times of what is written to it."""

    def __init__(self, path: str, max_bytes: int, backups: int) -> None:
        super().__init__(path, "ab", max_bytes, backups)
        self._due = 0.0
        self.is_within_line = False

    def emit(self, record: Any) -> None:
        """Write, and set a mark where the last one is a second old."""
        self.is_within_line = not record.msg.endswith(b"\n")
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self._mark()
        super().emit(record)

    def doRollover(self) -> None:
        """Rotate the times with the file."""
        before = self.stream
        super().doRollover()
        if self.stream is not before:
            self._due = 0.0
            for number in range(self.backupCount - 1, -1, -1):
                with suppress(OSError):
                    os.replace(self._times(number), self._times(number + 1))  # noqa: PTH105 - no Path here

    def remove(self) -> None:
        """Clear the log, for `supervisorctl clear`."""
        super().remove()
        self._due = 0.0
        with suppress(OSError):
            os.unlink(self._times(0))  # noqa: PTH108

    def _times(self, number: int) -> str:
        return f"{self.baseFilename}.{number}.times" if number else f"{self.baseFilename}.times"

    def _mark(self) -> float:
        """Set a mark, if it can be written, and return after how long the next one is due."""
        with suppress(OSError, ValueError):  # the second of a log that a full disk keeps closed
            mark = MARK.pack(min(self.stream.tell(), 0xFFFFFFFF), int(time.time()))
            file = os.open(self._times(0), _FLAGS, 0o644)
            try:
                os.write(file, mark)
                return EVERY_S if os.fstat(file).st_size < MAX_DENSE_BYTES else SPARSE_S
            finally:
                os.close(file)
        return SPARSE_S


class Output(POutputDispatcher):  # type: ignore[misc]
    """The end of the pipe that supervisord reads.

    Attributes:
        read_bytes: how much it has read.
    """

    read_bytes = 0

    def record_output(self) -> None:
        """Count what was read, and write it."""
        self.read_bytes += len(self.output_buffer)
        super().record_output()

    def held_back(self) -> None:
        """Tell that it is not read for what is left of a second (`pipes.py`)."""
        self.process.held_back()

    def read_rest(self) -> None:
        """Read all that a process has left as it ended.

        Supervisor reads once, 128 KiB (4.3.0, `drain`); a process can have a pipe of 1 MiB, and one that
        was held back has filled it.
        """
        left = struct.unpack("i", fcntl.ioctl(self.fd, termios.FIONREAD, b"\0" * 4))[0]
        end = self.read_bytes + left
        while self.readable() and self.read_bytes < end:
            self.handle_read_event()

    def _init_normallog(self) -> None:
        config = self.process.config
        log = TimedLog(config.stdout_logfile, config.stdout_logfile_maxbytes, config.stdout_logfile_backups)
        log.setFormat("%(message)s")
        self.normallog = config.options.getLogger()
        log.setLevel(self.normallog.level)
        self.normallog.addHandler(log)

    def end_line(self) -> None:
        """End the line that a process has left as it ended."""
        if any(log.is_within_line for log in self.normallog.handlers):
            self.normallog.info(b"\n")
