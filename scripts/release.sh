#!/bin/sh
# Makes the release VERSION of what is committed: the version in CMakeLists.txt, the changelog's heading, packages, bundle
# and image in dist/ with their checksums, and if all that went well a commit and a tag. Pushing is left to you.
# Usage: scripts/release.sh [--dry-run] VERSION     --dry-run checks everything, shows the changes and undoes them
set -eu
cd "$(dirname "$0")/.."

fail() { echo "release: $1" >&2; exit 1; }

dry_run=""
if [ "${1:-}" = --dry-run ]; then dry_run=yes; shift; fi
version=${1:-}
echo "$version" | grep -Eqx '(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}' ||
  { echo "usage: scripts/release.sh [--dry-run] X.Y.Z (make release VERSION=X.Y.Z)" >&2; exit 64; }
tag=v$version

current=$(sed -n 's/^project(midair VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
[ -n "$current" ] || fail "CMakeLists.txt has no line 'project(midair VERSION ...'"
newest=$(printf '%s\n' "$current" "$version" | sort -V | tail -n 1)
[ "$newest" = "$version" ] || fail "$version is older than $current, which CMakeLists.txt has"
[ -z "$(git status --porcelain)" ] || fail "the tree has changes that are not committed; see git status"
! git rev-parse -q --verify "refs/tags/$tag" >/dev/null || fail "the tag $tag exists already"
notes=$(awk '/^## /{at = ($0 == "## Unreleased"); next} at && NF' CHANGELOG.md)
[ -n "$notes" ] || fail "CHANGELOG.md says nothing below '## Unreleased'"

# Until it is committed, whatever ends this undoes it.
work=$(mktemp -d)
trap 'git checkout -q -- CMakeLists.txt CHANGELOG.md; rm -rf "$work"' EXIT
sed -i "s/^project(midair VERSION $current /project(midair VERSION $version /" CMakeLists.txt
sed -i "s/^## Unreleased\$/## Unreleased\n\n## $version - $(date -u +%Y-%m-%d)/" CHANGELOG.md
if [ -n "$dry_run" ]; then
  git --no-pager diff
  echo "release: would build packages, bundle and image of this into dist/, commit it, and tag it $tag"
  exit 0
fi

# What is packed is what will be committed, whatever else lies in the tree or was built there.
git ls-files -z | tar -c --null --files-from - | tar -x -C "$work"
env -u MAKEFLAGS make -C "$work" package bundle-image
rm -rf dist
mkdir dist
cp "$work"/build/*.deb "$work"/build/midair-sidecar.tar.gz "$work"/build/midair-sidecar.oci.tar dist/
(cd dist && sha256sum ./*.deb ./midair-sidecar.* > SHA256SUMS)
git commit -q -m "Release $version" CMakeLists.txt CHANGELOG.md
git tag -a "$tag" -m "Midair $version"
echo "release: $tag is committed and tagged, its packages, bundle and image are in dist/. To publish it: git push --follow-tags"
