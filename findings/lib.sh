# shellcheck shell=sh
# What the findings share: a temporary folder, pinned packages in it, and the verdict.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/finding-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# cannot REASON: it can't be tried here.
cannot() {
  echo "can't be tried here: $*" >&2
  exit 2
}

# debs NAME=VERSION...: unpacks these Debian packages, and no others, below $work/root; nothing is installed.
debs() {
  mkdir -p "$work/debs" "$work/root"
  (cd "$work/debs" && apt-get download "$@") >"$work/apt.log" 2>&1 || cannot "$(tail -n 1 "$work/apt.log")"
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  root_libraries=$work/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
}

# npm_packages NAME@VERSION...: installs them below $work, without their install scripts.
npm_packages() {
  command -v npm >/dev/null || cannot "there is no npm"
  echo '{"private": true}' >"$work/package.json"
  (cd "$work" && npm install --no-fund --no-audit --ignore-scripts "$@") >"$work/npm.log" 2>&1 ||
    cannot "$(tail -n 1 "$work/npm.log")"
}

# verdict: compares standard input, what is seen now, with $expected, what was seen when the finding was written.
verdict() {
  cat >"$work/seen"
  printf '%s\n' "$expected" >"$work/expected"
  if diff -u "$work/expected" "$work/seen"; then
    cat "$work/seen"
    echo "As it was found."
  else
    echo "It changed." >&2
    exit 1
  fi
}
