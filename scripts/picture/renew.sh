#!/bin/sh
# Runs the demo on a terminal of its own, keeps what it says in demo.ansi, and draws it. On an idle machine, please.
# Usage: scripts/picture/renew.sh [BUILD_DIR]
set -eu
cd "$(dirname "$0")/../.."
/usr/bin/python3 -B scripts/picture/record.py scripts/picture/demo.ansi -- scripts/demo.sh "${1:-build}"
/usr/bin/python3 -B scripts/picture/picture.py
