#!/bin/sh
# Makes of the bundle an image with nothing else in it, as an OCI layout in a tar: `skopeo copy` brings it into a registry,
# from where `COPY --from` takes /opt/midair. The same bundle gives the same bytes.
# Usage: scripts/bundle_image.sh BUNDLE VERSION IMAGE.tar     (make image)
set -eu
[ $# = 3 ] || { sed -n 's/^# Usage: /usage: /p' "$0" >&2; exit 64; }
bundle=$1 version=$2 image=$3
when=1970-01-01T00:00:00Z # as in the bundle: otherwise umoci takes the clock's
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gzip -dc "$bundle" > "$work/layer.tar"
umoci init --layout "$work/oci"
umoci new --image "$work/oci:$version"
umoci raw add-layer --image "$work/oci:$version" --history.created "$when" --history.created_by "make bundle" "$work/layer.tar"
umoci config --image "$work/oci:$version" --no-history --created "$when" \
  --config.entrypoint /opt/midair/bin/midair-sidecar \
  --manifest.annotation "org.opencontainers.image.title=midair-sidecar" \
  --manifest.annotation "org.opencontainers.image.version=$version"
umoci gc --layout "$work/oci"
tar -c -C "$work/oci" --sort=name --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=a+rX,u+w,go-w \
  -f "$work/image.tar" .
digest=$(skopeo inspect --format '{{.Digest}}' "oci-archive:$work/image.tar:$version")
mv "$work/image.tar" "$image"
echo "image: $image: $version, $digest"
