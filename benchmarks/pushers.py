"""Many pushers who follow their builds, in a process of their own: `python -m benchmarks.pushers`.

Reads what to do from standard input, says `open` when all follow, and leaves when the input ends.
"""

import json
import selectors
import socket
import sys
import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

AT_ONCE = 8
LINE = b"       Compiling one module after the other, which takes its time\n"


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    body = Path(wanted["body"]).read_bytes()
    paths = [path for path, _ in wanted["targets"]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pushes = list(pool.map(lambda path: _pushed(wanted["port"], wanted["secret"], path, body), paths))
    leaving = threading.Event()
    threading.Thread(target=_read_all, args=(pushes, leaving), daemon=True).start()
    if wanted["talk"]:
        logs = [Path(log) for _, log in wanted["targets"]]
        threading.Thread(target=_talk, args=(logs, leaving), daemon=True).start()
    print("open", flush=True)
    sys.stdin.read()
    leaving.set()


def _pushed(port: int, secret: str, path: str, body: bytes) -> socket.socket:
    """Send a push, and return its connection once its build is followed."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    basic = b64encode(f"x:{secret}".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Basic {basic}\r\n"
        f"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    said = b""
    while b"builds follow" not in said:
        read = connection.recv(65536)
        if not read:
            sys.exit(f"{path}: {said!r}")
        said += read
    connection.setblocking(False)
    return connection


def _read_all(pushes: list[socket.socket], leaving: threading.Event) -> None:
    selector = selectors.DefaultSelector()
    for push in pushes:
        selector.register(push, selectors.EVENT_READ)
    while not leaving.is_set():
        for key, _ in selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            if not key.fileobj.recv(65536) and not leaving.is_set():
                print("a push has ended", flush=True)
                return


def _talk(logs: list[Path], leaving: threading.Event) -> None:
    """Write a line a second to each, evenly."""
    for log in logs:
        log.parent.mkdir(parents=True, exist_ok=True)
    files = [log.open("ab", buffering=0) for log in logs]
    due = time.monotonic()
    for file in cycle(files):
        due += 1 / len(files)
        if leaving.wait(max(0.0, due - time.monotonic())):
            return
        file.write(LINE)


if __name__ == "__main__":
    main()
