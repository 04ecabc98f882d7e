#!/bin/sh
# radosgw 16.2.15 (16.2.15+ds-0+deb12u2, Debian 12): If-Range is ignored, with an ETag as with a date.
#
# Guess: a Range whose If-Range names another ETag gets the whole new object with 200 (RFC 9110, 13.1.5); the same
# server honours If-Match, If-None-Match and If-Modified-Since of a GET.
# Seen: 206 with the range of the new object, whatever If-Range says.
# Lesson: a download that is resumed with If-Range mixes two objects without a word. Resume with If-Match, and take 412
# for "begin anew".
#
# The server comes from the packages below; how it is started is borrowed from tests/support/s3. Asked is radosgw
# itself, not the proxy that stands before it there. What Ceph needs besides has to be installed (else 2):
# apt-get install --no-install-recommends radosgw ceph-mon ceph-osd
. "$(dirname "$0")/lib.sh"

expected='If-Range with its ETag: 206 new
If-Range with another ETag: 206 new
If-Range with a date before: 206 new
If-Match with its ETag: 206 new
If-Match with another ETag: 412'

version=16.2.15+ds-0+deb12u2
packages=
for name in radosgw ceph-mon ceph-osd ceph-base ceph-common librados2 librbd1 libradosstriper1 libsqlite3-mod-ceph \
  python3-rados python3-ceph-argparse python3-ceph-common; do
  packages="$packages $name=$version"
done
# shellcheck disable=SC2086 # the list is meant to split
debs $packages
export PATH="$work/root/usr/bin:$PATH" LD_LIBRARY_PATH="$root_libraries:$root_libraries/ceph"
export PYTHONPATH="$work/root/usr/lib/python3/dist-packages"
export CEPH_ARGS="--osd-class-dir $root_libraries/rados-classes --erasure-code-dir $root_libraries/ceph/erasure-code"
for program in radosgw ceph-mon ceph-osd; do
  ! ldd "$work/root/usr/bin/$program" | grep -q 'not found' || cannot "$program lacks libraries"
done

cat >"$work/ask.sh" <<'ASK'
port=$((${AWS_ENDPOINT_URL_S3##*:} - 1))
object=http://127.0.0.1:$port/$MIDAIR_TEST_BUCKET/object
ask() {
  curl -sS --aws-sigv4 aws:amz:auto:s3 -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@" "$object"
}
ask -X PUT --data-binary 'old object'
old=$(ask -I | sed -n 's/^etag: *//Ip' | tr -d '\r')
ask -X PUT --data-binary 'new object'
new=$(ask -I | sed -n 's/^etag: *//Ip' | tr -d '\r')
say() {
  status=$(ask -w '%{stderr}%{http_code}' -H 'Range: bytes=0-2' -H "$2" 2>&1 >"$body")
  echo "$1: $status $(head -c 12 "$body")"
}
say "If-Range with its ETag" "If-Range: $new"
say "If-Range with another ETag" "If-Range: $old"
say "If-Range with a date before" "If-Range: Sat, 01 Jan 2000 00:00:00 GMT"
say "If-Match with its ETag" "If-Match: $new"
echo "If-Match with another ETag: $(ask -o /dev/null -w '%{http_code}' -H 'Range: bytes=0-2' -H "If-Match: $old")"
ASK
body=$work/body "$(dirname "$0")/../tests/support/s3/with-s3" sh "$work/ask.sh" 2>"$work/s3.log" | verdict
