#!/bin/sh
# Upgrades three local machines under load, then publishes a broken release and sees it rolled back;
# then upgrades the SDK's example in place.
# Usage: scripts/demo.sh [BUILD_DIR]. Status 0 only if not one request failed and all ended as it should.
set -eu
cd "$(dirname "$0")/.."
MIDAIR_BUILD=$(realpath "${1:-build}")
export MIDAIR_BUILD
exec /usr/bin/python3 scripts/demo/demo.py
