#!/bin/sh
# nanotar 0.3.0 (npm): an archive given as a view into a larger buffer is read from that buffer's start.
#
# Guess: parseTar() takes a Uint8Array, so it reads the bytes of that array, wherever they lie in their ArrayBuffer.
# Seen: the offset is ignored. With zeros before the view the answer is an empty list, no error: as of an empty archive.
# Small Buffers of Node.js are such views as a rule, since they share a pool.
# Lesson: give it a copy (`new Uint8Array(view)`), and take an empty list for suspicious.
. "$(dirname "$0")/lib.sh"

expected='the array itself: release/app.js
a view into a larger one: 
a copy of that view: release/app.js'

command -v node >/dev/null || cannot "there is no node"
npm_packages nanotar@0.3.0
cat >"$work/try.mjs" <<'JS'
import { createTar, parseTar } from "nanotar";

const whole = createTar([{ name: "release/app.js", data: "serve();\n" }]);
const larger = new Uint8Array(whole.length + 512);
larger.set(whole, 512);
const view = larger.subarray(512);

const names = (bytes) => parseTar(bytes).map((entry) => entry.name).join(" ");
console.log("the array itself: " + names(whole));
console.log("a view into a larger one: " + names(view));
console.log("a copy of that view: " + names(new Uint8Array(view)));
JS
node "$work/try.mjs" 2>/dev/null | verdict
