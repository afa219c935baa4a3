"""Requests at a steady rate, in a process of its own: `python -m benchmarks.poller PORT HOST RATE`.

Half of its threads keep their connections, half make a new one for each request; nothing is tried
again. When standard input ends it prints what it saw as JSON.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

THREADS = 8
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was sent and answered (monotonic), and what came; status 0: no answer."""

    sent: float
    done: float
    status: int
    text: str


@dataclass
class Polled:
    """What a poller saw; filled when its `with` ends."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def failed(self) -> list[Answer]:
        """Those that were not answered with 200."""
        return [answer for answer in self.answers if answer.status != 200]

    def first(self, text: str) -> float | None:
        """When a text was answered for the first time."""
        return min((answer.done for answer in self.answers if answer.text == text), default=None)


@dataclass(frozen=True, slots=True)
class Asker:
    """One thread's connection."""

    port: int
    host: str
    keeps_connection: bool
    answers: list[Answer]

    def poll(self, due: float, every_s: float, stop: threading.Event) -> None:
        """Ask at a time and then steadily; what is late is caught up with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        while not stop.wait(max(0, due - time.monotonic())):
            self.answers.append(self._ask(connection))
            if not self.keeps_connection:
                connection.close()
            due += every_s
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> Answer:
        sent = time.monotonic()
        try:
            connection.request("GET", "/", headers={"Host": self.host})
            response = connection.getresponse()
            status, text = response.status, response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status, text = 0, repr(error)
        return Answer(sent, time.monotonic(), status, text)


@contextmanager
def polling(port: int, host: str, rate: int) -> Iterator[Polled]:
    """Poll while the block runs."""
    argv = [sys.executable, "-m", "benchmarks.poller", str(port), host, str(rate)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    polled = Polled()
    try:
        time.sleep(0.5)
        yield polled
        time.sleep(0.5)
    finally:
        out, _ = process.communicate()
    polled.answers.extend(Answer(*row) for row in json.loads(out))


def main() -> None:
    port, host, rate = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    answers: list[Answer] = []
    stop = threading.Event()
    start = time.monotonic()
    askers = [
        Asker(port, host, keeps_connection=bool(number % 2), answers=answers) for number in range(THREADS)
    ]
    threads = [
        threading.Thread(target=one.poll, args=(start + number / rate, THREADS / rate, stop))
        for number, one in enumerate(askers)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    json.dump([(answer.sent, answer.done, answer.status, answer.text) for answer in answers], sys.stdout)


if __name__ == "__main__":
    main()
