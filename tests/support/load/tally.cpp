#include "tally.h"

#include <Poco/JSON/Array.h>

#include <algorithm>
#include <cmath>

namespace midair {
namespace {

constexpr std::size_t kMaxFailureSamples = 10;

double in_ms(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// The value that a share of `share` of all `sorted` values does not exceed.
double quantile(const std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

double Tally::since_start() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void Tally::answered(RequestKind kind, const std::string& version, std::chrono::nanoseconds took,
                     std::chrono::nanoseconds longest_gap) {
  const std::scoped_lock lock(mutex_);
  const double now = since_start();
  ++requests_;
  if (kind == RequestKind::post) ++posts_;
  if (kind == RequestKind::stream) {
    ++streams_;
    stream_gap_ = std::max(stream_gap_, longest_gap);
  } else {
    took_ms_.push_back(static_cast<float>(in_ms(took)));
    if (took > pause_) {
      pause_ = took;
      pause_at_s_ = now;
    }
  }
  auto& seen = versions_[version];
  if (seen.requests++ == 0) seen.first_s = now;
  seen.last_s = now;
}

void Tally::failed(RequestKind kind, const Error& error) {
  static constexpr const char* kNames[] = {"GET", "POST", "stream"};
  const std::scoped_lock lock(mutex_);
  ++requests_;
  ++failures_;
  if (failure_samples_.size() < kMaxFailureSamples)
    failure_samples_.push_back(std::to_string(since_start()) + "s " + kNames[static_cast<int>(kind)] + ": could not " +
                               error.op + ": " + error.cause);
}

void Tally::reconnected() {
  const std::scoped_lock lock(mutex_);
  ++reconnects_;
}

std::uint64_t Tally::failures() const {
  const std::scoped_lock lock(mutex_);
  return failures_;
}

Poco::JSON::Object::Ptr Tally::to_json(bool with_quantiles) const {
  const std::scoped_lock lock(mutex_);
  Poco::JSON::Object::Ptr json = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
  json->set("seconds", since_start());
  json->set("requests", requests_);
  json->set("failures", failures_);
  json->set("reconnects", reconnects_);
  json->set("posts", posts_);
  json->set("streams", streams_);
  json->set("pause_ms", in_ms(pause_));
  json->set("pause_at_s", pause_at_s_);
  json->set("stream_gap_ms", in_ms(stream_gap_));
  if (with_quantiles) {
    auto sorted = took_ms_;
    std::sort(sorted.begin(), sorted.end());
    json->set("p50_ms", quantile(sorted, 0.50));
    json->set("p99_ms", quantile(sorted, 0.99));
    json->set("p999_ms", quantile(sorted, 0.999));
  }
  Poco::JSON::Object::Ptr versions = new Poco::JSON::Object;
  for (const auto& [name, seen] : versions_) {
    Poco::JSON::Object::Ptr version = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    version->set("requests", seen.requests);
    version->set("first_s", seen.first_s);
    version->set("last_s", seen.last_s);
    versions->set(name, version);
  }
  json->set("versions", versions);
  Poco::JSON::Array::Ptr samples = new Poco::JSON::Array;
  for (const auto& sample : failure_samples_) samples->add(sample);
  json->set("failure_samples", samples);
  return json;
}

}  // namespace midair
