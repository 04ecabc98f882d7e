#!/bin/sh
# Installs what Midair needs on Debian 12, and says so before. Does nothing where all of it is there.
# Usage: scripts/bootstrap.sh build|test|bench|frameworks|debian|bundle|release: to build it and run the demo; to test it as
# well; to measure it as well; to try it with the servers that people use; to try the bundle in other Debians; to make the
# bundle; to make a release.
set -eu

packages="cmake ninja-build g++ ccache pkg-config python3 libpoco-dev libyaml-cpp-dev libtomlplusplus-dev libcli11-dev
  libpq-dev liblua5.4-dev libssl-dev zlib1g-dev libdeflate-dev"
bundle="ca-certificates"
release="$bundle skopeo umoci"
test="libcppunit-dev gunicorn radosgw ceph-mon ceph-osd haproxy curl openssl libarchive-tools rsync faketime git patch
  erlang-base nodejs postgresql clang clang-format clang-tidy libclang-rt-14-dev dpkg-dev file strace
  dumb-init fish lintian man-db nginx-light puma tini zsh busybox-static musl-tools $release"
bench="jq pigz zstd time"
# Without npm (400 packages) and a JDK: these are tried where they are.
frameworks="daphne golang-go lighttpd php-cli python3-aiohttp python3-cheroot python3-hypercorn python3-tornado
  python3-waitress unicorn uvicorn uwsgi-core uwsgi-plugin-python3"

case "${1:-}" in
  build) ;;
  test) packages="$packages $test" ;;
  bench) packages="$packages $test $bench $frameworks" ;;
  frameworks) packages="$packages $test $frameworks" ;;
  debian) packages="$packages $test debian-archive-keyring mmdebstrap" ;;
  bundle) packages="$packages $bundle" ;;
  release) packages="$packages $release" ;;
  *) echo "usage: scripts/bootstrap.sh build|test|bench|frameworks|debian|bundle|release" >&2; exit 64 ;;
esac

missing=""
for package in $packages; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >&2
# shellcheck disable=SC2086 # the list is meant to split
all=$($sudo apt-get install -s -q --no-install-recommends $missing | grep -c '^Inst ' || true)
echo "bootstrap: to $1, this installs$missing ($all packages with what they need)" >&2
# shellcheck disable=SC2086
$sudo apt-get install -q -y --no-install-recommends $missing >&2
