#!/bin/sh
# Installs what the tests need beyond .venv: Node.js with npm. As root, and with apt; whatever is there stays.
# An ordinary user is told instead, and the tests that need it are skipped.
set -eu

missing=
for program in node npm; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "test needs: there is no$missing; tests of Node.js apps are skipped. On Debian: apt install nodejs npm"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --yes --no-install-recommends nodejs npm >/dev/null
node --version
npm --version
