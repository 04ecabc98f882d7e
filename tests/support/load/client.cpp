#include "client.h"

#include <condition_variable>
#include <mutex>

namespace midair {
namespace {

/// Waits, but not beyond a request to stop.
void pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

Client::Client(const LoadPlan& plan, unsigned number, Tally& tally)
    : plan_(plan),
      tally_(tally),
      fresh_((number + 1) * plan.fresh_percent / 100 > number * plan.fresh_percent / 100),
      random_(number + 1) {}

void Client::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    request(choose());
    pause(plan_.think, stop);
  }
}

RequestKind Client::choose() {
  const unsigned roll = std::uniform_int_distribution<unsigned>(0, 99)(random_);
  if (roll < plan_.stream_percent) return RequestKind::stream;
  if (roll < plan_.stream_percent + plan_.post_percent) return RequestKind::post;
  return RequestKind::get;
}

void Client::request(RequestKind kind) {
  const auto start = Tally::Clock::now();
  const auto answer = exchange(kind);
  if (!answer || answer.value().closes || fresh_) connection_.reset();
  if (!answer)
    tally_.failed(kind, answer.error());
  else if (answer->status / 100 != 2)
    tally_.failed(kind, Error{.code = Errc::unavailable,
                              .op = "get a good answer",
                              .subject = plan_.path,
                              .cause = "status " + std::to_string(answer->status)});
  else
    tally_.answered(kind, answer->version, Tally::Clock::now() - start, answer->longest_gap);
}

Result<LoadAnswer> Client::exchange(RequestKind kind) {
  const std::string text = request_text(kind);
  if (connection_ && connection_->stale()) {
    tally_.reconnected();
    connection_.reset();
  }
  if (connection_) {
    auto answer = connection_->exchange(text, plan_.version_header);
    if (answer || !connection_->unanswered() || kind == RequestKind::post || answer.error().code == Errc::timeout)
      return answer;
    tally_.reconnected();
  }
  MIDAIR_TRY_ASSIGN(connection_, LoadConnection::open(plan_.host, plan_.port, plan_.timeout));
  return connection_->exchange(text, plan_.version_header);
}

std::string Client::request_text(RequestKind kind) const {
  const std::string rest = " HTTP/1.1\r\nHost: " + plan_.host + "\r\n" + (fresh_ ? "Connection: close\r\n" : "");
  switch (kind) {
    case RequestKind::get: return "GET " + plan_.path + rest + "\r\n";
    case RequestKind::post: return "POST " + plan_.path + rest + "Content-Length: 5\r\n\r\nhello";
    case RequestKind::stream: return "GET /stream" + rest + "\r\n";
  }
  return {};
}

}  // namespace midair
