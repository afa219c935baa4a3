#!/bin/sh
# Shows the main job: starts Stratum, then types what a person would type.
set -eu
cd "$(dirname "$0")/.."
. scripts/place.sh
data=$(place_data)
PATH=$PLACE_VENV/bin:$PATH
app=$PLACE_HOME/.demo/app02

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

# The first free port from $PORT on, unless the server runs already.
free_port() {
    "$PLACE_VENV/bin/python" - "${PORT:-8080}" <<'PYTHON'
import socket, sys
first = int(sys.argv[1])
for port in [first, *range(first + 1, 65536)]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
PYTHON
}

running_port() {
    "$PLACE_VENV/bin/python" - "$data" <<'PYTHON'
import json, pathlib, socket, sys
data = pathlib.Path(sys.argv[1])
try:
    listen = json.loads((data / "instance.json").read_text())["listen"]
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(data / "run/supervisor/supervisord.sock"))
except OSError:
    sys.exit(0)
print(listen.rpartition(":")[2])
PYTHON
}

answer() {
    "$PLACE_VENV/bin/python" - "$1" <<'PYTHON'
import sys, urllib.request
request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/", headers={"Host": "app02.myprodenv.localhost"})
with urllib.request.urlopen(request, timeout=10) as response:
    print(response.status, response.reason)
    print(response.read().decode())
PYTHON
}

port=$(running_port)
if [ -z "$port" ]; then
    port=$(free_port)
    run stratum up --data "$data" --listen "127.0.0.1:$port" --detach
fi
url=http://localhost:$port

say "Sign in, make an environment and an app"
printf '\n$ stratum login %s\n' "$url"
stratum login "$url" <"$data/admin.token"
if ! stratum environments list --json | grep -q '"MyProdEnv"'; then
    run stratum environments create MyProdEnv --stage production
fi
if ! stratum -E MyProdEnv apps list --json | grep -q '"app02"'; then
    run stratum apps create app02 -E MyProdEnv
fi

say "Push the sample app"
if ! [ -d "$app/.git" ]; then
    mkdir -p "$(dirname "$app")"
    cp -r "$PLACE_SOURCE/tests/apps/flask_celery" "$app"
    git -C "$app" init -q -b master
    git -C "$app" config user.name Demo
    git -C "$app" config user.email demo@localhost
fi
git -C "$app" add -A
git -C "$app" commit -q --allow-empty -m "Deploy on $(date +%F)"
printf '\n$ cd %s\n' "$app"
cd "$app"
run stratum associate MyProdEnv app02
run git push catalyze master

say "Launch the worker"
run stratum -E MyProdEnv worker worker
run stratum ps
run stratum logs -n 3
run stratum scale worker=3
run stratum vars set GREETING=hello
run supervisorctl -c "$data/run/supervisord.conf" status

say "The app answers at http://app02.myprodenv.localhost:$port"
answer "$port"
cat <<END

The server runs on. Next:
  make down                          stops it and everything it runs
  export PATH=$PLACE_VENV/bin:\$PATH   gives you the command stratum
  stratum logs -f    stratum scale worker=3    stratum vars set GREETING=hello    (in $app)
An app of your own: a git repository with a Procfile, such as "web: python3 -m http.server \$PORT"
  stratum apps create NAME -E MyProdEnv && stratum associate MyProdEnv NAME && git push catalyze master
END
