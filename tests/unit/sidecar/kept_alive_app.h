/// @file
/// An app of which nothing but its processes and its port are known: a plain HTTP/1.1 server, kept alive.
#pragma once

#include <cppunit/TestAssert.h>

#include <string>
#include <utility>
#include <vector>

#include "loop/process_table.h"
#include "script.h"
#include "tcp_sockets.h"

namespace midair::sidecar {

/// A Python server with a thread for each connection, in a process of its own.
///
/// /        answers at once
/// /think   takes 300 ms to think
/// /hang    never answers
/// /events  sends an event every 200 ms
/// /socket  turns into a WebSocket, on which one message is sent after 2.1 s, and no other
/// /slowly  answers in three parts, 900 ms apart
/// /large   answers with 64 MiB
class KeptAliveApp {
 public:
  KeptAliveApp() : script_(SpawnSpec{{"/usr/bin/python3", "-c", kProgram}, {}, {}, {}}) {
    port_ = static_cast<std::uint16_t>(std::stoi(script_.line()));
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() { return script_.child().pid(); }
  [[nodiscard]] std::vector<pid_t> processes() { return script_.child().processes(); }

  /// A connection that has asked for `path`; with `lines` a header line more, to be finished or not.
  [[nodiscard]] Fd ask(const std::string& path) const {
    Fd client = connect_to(port_);
    send_text(client, request(path));
    return client;
  }
  static std::string request(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: app\r\n\r\n"; }

  /// Waits until something has come from the app, and reads it, up to 4 KiB.
  static std::string read_some(const Fd& client) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    CPPUNIT_ASSERT(n >= 0);
    return {buffer.data(), static_cast<std::size_t>(n)};
  }

 private:
  static constexpr const char* kProgram = R"(
import http.server, os, socket, threading, time

class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *what):
        pass

    def head(self, status, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def answer(self, body):
        self.head(200, ("Content-Length", str(len(body))))
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        if self.path == "/think":
            time.sleep(0.3)
        if self.path == "/hang":
            threading.Event().wait()
        if self.path == "/events":
            self.head(200, ("Content-Type", "text/event-stream"))
            while True:
                self.wfile.write(b"data: x\n\n")
                self.wfile.flush()
                time.sleep(0.2)
        if self.path == "/socket":
            self.head(101, ("Upgrade", "websocket"), ("Connection", "Upgrade"))
            self.wfile.flush()
            time.sleep(2.1)
            self.wfile.write(b"\x81\x02hi")
            self.wfile.flush()
            self.rfile.read()
        if self.path == "/slowly":
            self.head(200, ("Content-Length", "12"))
            for part in range(3):
                self.wfile.write(b"well")
                self.wfile.flush()
                time.sleep(0.9 if part < 2 else 0)
            return
        self.answer(b"x" * (64 << 20) if self.path == "/large" else b"well")

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    def handle_error(self, *what):
        pass

server = Server(("127.0.0.1", 0), App)
os.write(3, b"%d\n" % server.server_address[1])
server.serve_forever()
)";

  Script script_;
  std::uint16_t port_ = 0;
};

}  // namespace midair::sidecar
