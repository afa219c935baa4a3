"""Buildpacks of others, as anybody serves them: git repositories by HTTP."""

import subprocess
from pathlib import Path

from tests.repos import commit, git, make_repo


class Remote:
    """Repositories that anybody may fetch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served = folder / "served"
        self.served.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Serve bare repositories as plain files: the dumb protocol, which every git can be asked by."""
        program = (
            "import http.server,functools,sys,os\n"
            "h=functools.partial(http.server.SimpleHTTPRequestHandler,directory=sys.argv[1])\n"
            "s=http.server.ThreadingHTTPServer(('127.0.0.1',0),h)\n"
            "print(s.server_port,flush=True)\ns.serve_forever()"
        )
        argv = ["python3", "-c", program, str(self.served)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def pack(self, name: str, programs: dict[str, str]) -> str:
        """Make or change a buildpack; return its URL."""
        work = self.folder / f"{name}-work"
        if not work.exists():
            make_repo(work, {"README": name})
        for path, text in programs.items():
            (work / path).parent.mkdir(exist_ok=True)
            (work / path).write_text(text)
            (work / path).chmod(0o755)
        commit(work, {})
        bare = self.served / f"{name}.git"
        if not bare.exists():
            git(self.served, "init", "--quiet", "--bare", "--initial-branch=master", str(bare))
        git(work, "push", "--quiet", "--force", "--tags", str(bare), "HEAD:refs/heads/master")
        git(bare, "update-server-info")
        return f"{self.url}/{name}.git"

    def tip(self, name: str, ref: str = "master") -> str:
        return git(self.served / f"{name}.git", "rev-parse", ref)
