"""The peer of git's transport: nginx + fcgiwrap + `git http-backend`, with basic authentication."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.served import free_port
from tests.waiting import wait_until

INSTALL = "Install both as root: apt-get update && apt-get install nginx-light fcgiwrap"
WORKERS = 8  # of fcgiwrap, which serves one request with each
_PATH = f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"

# {PLAIN}: the cheapest check that nginx has.
_CONFIG = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; {user}
events {{ }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; proxy_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      auth_basic "git"; auth_basic_user_file {folder}/passwords;
      fastcgi_pass unix:{folder}/fcgi.sock;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {folder}/repos;
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;
    }}
  }}
}}
"""
_HOOK = "#!/bin/sh\nexit 0\n"


def missing() -> str:
    """Name the programs that are not there."""
    return " and no ".join(name for name in ("nginx", "fcgiwrap") if not _which(name))


@contextmanager
def serving(
    folder: Path, repos: Mapping[str, Path], settings: dict[str, str], password: str
) -> Iterator[str]:
    """Serve copies of repositories; yield the URL below which each is found as `<name>.git`.

    Args:
        folder: for everything of the peer's; must not exist, on the same disk as the repositories.
        settings: git's, for the copies.
        password: of the user `stratum`.
    """
    port = free_port()
    _prepare(folder, repos, settings)
    (folder / "passwords").write_text(f"stratum:{{PLAIN}}{password}\n")
    backend = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / "git-http-backend"
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port, backend=backend, user=user))
    environ = {"PATH": _PATH, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    with (
        _running([_which("fcgiwrap"), "-c", str(WORKERS), "-s", f"unix:{folder}/fcgi.sock"], environ),
        _running([_which("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")], environ),
    ):
        wait_until(lambda: (folder / "fcgi.sock").exists() and (folder / "nginx.pid").exists())
        yield f"http://localhost:{port}"


def _prepare(folder: Path, repos: Mapping[str, Path], settings: dict[str, str]) -> None:
    hooks = folder / "hooks"
    hooks.mkdir(parents=True)
    for name in ("pre-receive", "post-receive"):
        (hooks / name).write_text(_HOOK)
        (hooks / name).chmod(0o700)
    given = {**settings, "core.hooksPath": str(hooks), "http.receivepack": "true"}
    for name, repo in repos.items():
        copy = folder / f"repos/{name}.git"
        shutil.copytree(repo, copy)  # ours, by whoever runs this
        for setting, value in given.items():
            subprocess.run(["git", "config", "--file", copy / "config", setting, value], check=True)


@contextmanager
def _running(argv: list[str], environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # fcgiwrap leaves its workers behind otherwise
        process.wait(10)


def _which(name: str) -> str:
    return shutil.which(name, path=_PATH) or ""
