"""A foreign buildpack on a whole instance: from its URL to what its app answers."""

from collections.abc import Iterator

import pytest

from tests.remotes import Remote
from tests.served import Served

pytestmark = pytest.mark.integration

WEB = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["FOREIGN"].encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""
COMPILE = """#!/usr/bin/env bash
set -eu
mkdir -p "$1/.profile.d" "$1/.foreign"
cp "$1/page.py" "$1/.foreign/serve"
echo 'export FOREIGN="version 1 in $HOME"; export PATH="$HOME/.foreign:$PATH"' > "$1/.profile.d/foreign.sh"
"""
PROGRAMS = {
    "bin/detect": '#!/bin/sh\n[ -f "$1/page.py" ] && echo Foreign\n',
    "bin/compile": COMPILE,
    "bin/release": "#!/bin/sh\necho 'default_process_types:'\necho '  web: python3 .foreign/serve'\n",
}


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> Iterator[Remote]:
    made = Remote(tmp_path_factory.mktemp("remote"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="module")
def served(remote) -> Iterator[Served]:
    made = Served.in_new_folder(STRATUM_BUILD_HOSTS=remote.url.removeprefix("http://"))
    made.up()
    made.login()
    yield made
    made.end()


def test_an_app_is_built_and_started_by_a_buildpack_that_stays_pinned_until_it_is_updated(served, remote):
    url = remote.pack("foreign", PROGRAMS)
    first = remote.tip("foreign")
    repo = served.app("packed", {"page.py": WEB, ".buildpacks": f"{url}\n"})

    said = served.push(repo)
    assert f"Foreign app detected by {url} at {first[:7]}" in said
    assert "web: python3 .foreign/serve" in said
    status, answer = served.get("packed")
    assert status == 200
    assert answer.startswith("version 1 in /")
    [row] = served.rows("buildpacks", cwd=repo)
    assert (row["name"], row["url"], row["commit"]) == ("foreign", url, first)

    remote.pack("foreign", {"bin/compile": COMPILE.replace("version 1", "version 2")})
    served.commit(repo, more="x")
    served.push(repo)
    assert served.get("packed")[1].startswith("version 1 in /")

    assert first[:7] in served.stratum("buildpacks", "update", url, cwd=repo)
    served.stratum("redeploy", cwd=repo)
    assert served.get("packed")[1].startswith("version 2 in /")
    [row] = served.rows("buildpacks", cwd=repo)
    assert row["commit"] == remote.tip("foreign") != first


def test_a_purge_takes_what_builds_have_kept(served):
    repo = served.app("kept", {"Procfile": "clock: sleep 1000\n", "requirements.txt": "six==1.17.0\n"})
    served.push(repo)
    assert "+ six==1.17.0" not in served.stratum("redeploy", cwd=repo)

    assert "begins without a cache" in served.stratum("builds", "purge", cwd=repo)
    assert "+ six==1.17.0" in served.stratum("redeploy", cwd=repo)
