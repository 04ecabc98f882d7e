#!/bin/sh
# @iarna/toml 2.2.5 (npm; TOML 0.5): a date and time with a small t or z is refused, which smol-toml 1.3.1 and
# js-toml 1.0.1 read.
#
# Guess: all three read it. TOML takes its times from RFC 3339, which says (5.6) that both letters may be small.
# Seen: @iarna/toml says "Incomplete datetime" for the t, and expects something else in place of the z.
# Lesson: what many readers are to understand is written with capitals.
. "$(dirname "$0")/lib.sh"

expected='T Z: @iarna/toml reads, smol-toml reads, js-toml reads
t Z: @iarna/toml refuses, smol-toml reads, js-toml reads
T z: @iarna/toml refuses, smol-toml reads, js-toml reads'

command -v node >/dev/null || cannot "there is no node"
npm_packages @iarna/toml@2.2.5 smol-toml@1.3.1 js-toml@1.0.1
cat >"$work/try.mjs" <<'JS'
import iarna from "@iarna/toml";
import { parse } from "smol-toml";
import { load } from "js-toml";

const readers = { "@iarna/toml": iarna.parse, "smol-toml": parse, "js-toml": load };
const how = (read, text) => {
  try {
    return new Date(read(text).at).getTime() === Date.UTC(2026, 10, 27, 20, 32, 11) ? "reads" : "reads another time";
  } catch {
    return "refuses";
  }
};
for (const [t, z] of ["TZ", "tZ", "Tz"]) {
  const text = `at = 2026-11-27${t}20:32:11${z}\n`;
  console.log(`${t} ${z}: ` + Object.entries(readers).map(([name, read]) => `${name} ${how(read, text)}`).join(", "));
}
JS
node "$work/try.mjs" 2>/dev/null | verdict
