#!/bin/sh
# Installs what building and testing Midair needs on Debian 12. Does nothing where all of it is there.
set -eu

build="cmake ninja-build g++ ccache pkg-config libpoco-dev libyaml-cpp-dev libtomlplusplus-dev libcli11-dev
  liblua5.4-dev libssl-dev zlib1g-dev"
test="libcppunit-dev python3 gunicorn radosgw ceph-mon ceph-osd haproxy curl openssl libarchive-tools
  erlang-base nodejs postgresql clang clang-format clang-tidy libclang-rt-14-dev dpkg-dev file strace"
bench="jq nginx-light pigz zstd time"

missing=""
for package in $build $test $bench; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "bootstrap: installing$missing" >&2
if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >&2
# shellcheck disable=SC2086 # the list is meant to split
$sudo apt-get install -q -y --no-install-recommends $missing >&2
