"""Git servers elsewhere: `git http-backend` behind a small HTTP server, as strict as a test wants it."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.repos import commit, git, make_repo


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Source:
    """One repository there, and a work tree to push to it from.

    Attributes:
        password: `user:password` that it asks for; empty: it is public.
        redirect: where it sends all who ask.
        status: what it answers instead; 0: nothing of the kind.
        answers: cleared, it keeps all who ask waiting until it is set again.
        asked: addresses that were asked for.
    """

    folder: Path
    url: str = ""
    password: str = ""
    redirect: str = ""
    status: int = 0
    answers: threading.Event = field(default_factory=_set)
    asked: list[str] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def push(self, files: dict[str, str], message: str = "Change", branch: str = "master") -> str:
        """Commit and push there; return the commit."""
        made = commit(self.work, files, message)
        git(
            self.work, "push", "--quiet", "--force", str(self.folder / "app.git"), f"HEAD:refs/heads/{branch}"
        )
        return made

    def reset(self) -> None:
        """Go back by one commit, so that the next push is forced."""
        git(self.work, "reset", "--quiet", "--hard", "HEAD~1")


@contextmanager
def source(folder: Path, files: dict[str, str]) -> Iterator[Source]:
    """Give a repository that is served."""
    found = Source(folder)
    make_repo(found.work, files)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=master", "app.git")
    git(found.work, "push", "--quiet", str(folder / "app.git"), "HEAD:refs/heads/master")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/app.git"
    try:
        yield found
    finally:
        found.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(found: Source) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        source = found

    return Handler


class _Handler(BaseHTTPRequestHandler):
    source: Source

    def do_GET(self) -> None:
        source = self.source
        source.asked.append(self.path)
        source.answers.wait(60)
        pair = base64.b64encode(source.password.encode()).decode()
        if source.status:
            self.send_error(source.status)
        elif source.redirect:
            self.send_response(302)
            self.send_header("Location", f"{source.redirect}{self.path}")
            self.end_headers()
        elif source.password and self.headers.get("Authorization") != f"Basic {pair}":
            self.send_error(401)
        else:
            self._serve()

    do_POST = do_GET

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        argv = ["git", "http-backend"]
        environ = self._environ(len(body))
        said = subprocess.run(argv, input=body, env=environ, capture_output=True, check=True).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        fields = (line.partition(":") for line in head.decode().split("\r\n"))
        lines = {name: value.strip() for name, _, value in fields}
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in lines.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # of a fetch that was given up
            self.end_headers()
            self.wfile.write(content)

    def _environ(self, length: int) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.source.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def log_message(self, *_: object) -> None:
        pass
