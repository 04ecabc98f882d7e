#!/bin/sh
# Formatting and static analysis of every C++ file that git knows; no include points up; every
# public header compiles alone; every sabotage applies. Usage: scripts/lint.sh BUILD_DIR
set -eu
build=$1
git ls-files '*.h' '*.hpp' '*.c' '*.cpp' | xargs clang-format --dry-run -Werror
scripts/layers.py
scripts/tidy.py "$build"
# Each sabotage still finds the safety that it takes out.
for sabotage in tests/sabotage/*.patch; do
  patch -p1 --fuzz=0 --dry-run --silent -i "$sabotage" || { echo "$sabotage doesn't apply any more" >&2; exit 1; }
done
cmake --build "$build" --target all_verify_interface_header_sets
