#!/bin/sh
# Formatting and static analysis of every C++ file that git knows; every public header compiles alone. Usage: scripts/lint.sh BUILD_DIR
set -eu
build=$1
git ls-files '*.h' '*.hpp' '*.c' '*.cpp' | xargs clang-format --dry-run -Werror
git ls-files '*.cpp' | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build"
cmake --build "$build" --target all_verify_interface_header_sets
