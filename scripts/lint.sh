#!/bin/sh
# Formatting and static analysis of every C++ file that git knows; no include points up; every public header
# compiles alone; every sabotage applies; documents keep to the width. Usage: scripts/lint.sh BUILD_DIR
set -eu
build=$1
git ls-files '*.h' '*.hpp' '*.c' '*.cpp' | xargs clang-format --dry-run -Werror
scripts/layers.py
scripts/tidy.py "$build"
# Each sabotage still finds the safety that it takes out.
for sabotage in tests/sabotage/*.patch; do
  patch -p1 --fuzz=0 --dry-run --silent -i "$sabotage" || { echo "$sabotage doesn't apply any more" >&2; exit 1; }
done
# Documents are read in terminals and diffs, too.
if git ls-files '*.md' | LC_ALL=C.UTF-8 xargs grep -nE '^.{121,}$'; then
  echo "these lines are longer than 120 characters" >&2
  exit 1
fi
cmake --build "$build" --target all_verify_interface_header_sets
