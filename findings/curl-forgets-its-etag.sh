#!/bin/sh
# curl 7.88.1-10+deb12u15 (Debian 12): a poll that fails empties the file of --etag-save, also where --etag-compare
# reads the same file, as its manual suggests.
#
# Guess: the file keeps its ETag when no server can be reached, and when a 304 comes without one.
# Seen: it is empty after either. The next poll asks with `If-None-Match: ""` and is sent everything again.
# Lesson: who polls with curl keeps the ETag elsewhere, and replaces it after a 200 only.
. "$(dirname "$0")/lib.sh"

expected='200, the file: "one"
304 without an ETag, the file: 
200, the file: "one"
no connection, the file: 
the server was asked with: none
the server was asked with: "one"
the server was asked with: ""'

debs curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15
curl() { LD_LIBRARY_PATH=$root_libraries "$work/root/usr/bin/curl" -s -o /dev/null -w '%{http_code}' "$@"; }
curl --version >/dev/null 2>&1 || cannot "this curl lacks libraries"

cat >"$work/server.py" <<'PYTHON'
import http.server, socketserver, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("If-None-Match", "none")
        print("the server was asked with:", known, file=sys.stderr, flush=True)
        self.send_response(304 if known == '"one"' else 200)
        if known != '"one"':
            self.send_header("ETag", '"one"')
        self.end_headers()
        if known != '"one"':
            self.wfile.write(b"text")

    def log_message(self, *_):
        pass

server = socketserver.TCPServer(("127.0.0.1", 0), Answer)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
mkfifo "$work/port"
python3 "$work/server.py" >"$work/port" 2>"$work/asked" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
read -r port <"$work/port"
file=$work/etag

poll() { curl --etag-save "$file" --etag-compare "$file" "http://127.0.0.1:$port/" || true; }
{
  : >"$file"
  curl --etag-save "$file" "http://127.0.0.1:$port/"
  echo ", the file: $(cat "$file")"
  poll
  echo " without an ETag, the file: $(cat "$file")"
  poll
  echo ", the file: $(cat "$file")"
  kill "$server"
  wait "$server" || true
  poll >/dev/null
  echo "no connection, the file: $(cat "$file")"
  cat "$work/asked"
} 2>/dev/null | verdict
