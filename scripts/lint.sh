#!/bin/sh
# Formatting and static analysis of every C++ file that git knows; every public header compiles alone;
# every sabotage applies. Usage: scripts/lint.sh BUILD_DIR
set -eu
build=$1
git ls-files '*.h' '*.hpp' '*.c' '*.cpp' | xargs clang-format --dry-run -Werror
# clang-tidy reads g++'s command lines; this option only g++ has.
mkdir -p "$build/lint"
sed 's/ -f\(no-\)*gnu-unique//g' "$build/compile_commands.json" > "$build/lint/compile_commands.json"
git ls-files '*.cpp' | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build/lint"
# Each sabotage still finds the safety that it takes out.
for sabotage in tests/sabotage/*.patch; do
  patch -p1 --fuzz=0 --dry-run --silent -i "$sabotage" || { echo "$sabotage doesn't apply any more" >&2; exit 1; }
done
cmake --build "$build" --target all_verify_interface_header_sets
