"""The operators' log of our own processes: one line an event, to stderr, which supervisord keeps."""

import logging
import sys


def configure(part: str) -> None:
    """Set logging up once in a process.

    Args:
        part: name of the process in each line: web, work, door.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s {part}[%(process)d] %(levelname)s %(name)s: %(message)s")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
