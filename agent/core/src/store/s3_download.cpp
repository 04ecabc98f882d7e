#include "store/s3_download.h"

#include <charconv>

#include "midair/retry.h"
#include "store/s3_xml.h"
#include "store/store_rules.h"

namespace midair {

namespace {

constexpr std::size_t kChunk = 64 * 1024;
constexpr int kWhole = 200;
constexpr int kPart = 206;
constexpr int kNotModified = 304;
constexpr int kRefusedVersion = 412;  // If-Match does not hold
constexpr int kRefusedRange = 416;

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

S3Download::S3Download(S3Client& client, std::string key, const GetRequest& request, ByteSink& sink,
                       const CallTimer& timer)
    : client_(client),
      key_(std::move(key)),
      request_(request),
      sink_(sink),
      timer_(timer),
      held_(request.offset),
      version_(request.if_match) {}

Result<GetAnswer> S3Download::run() {
  if (held_ > 0 && version_.empty()) MIDAIR_TRY(start_over());
  for (RetrySchedule schedule;;) {
    const std::uint64_t before = held_;
    auto outcome = attempt();
    if (outcome.ok() || sink_failed_) return outcome;
    if (held_ > before) schedule.reset();
    const auto wait = schedule.pause_after(outcome.error(), timer_);
    if (!wait) return outcome;
    pause(*wait, timer_.stop());
  }
}

Result<HttpStream> S3Download::ask() {
  S3Request get;
  get.method = "GET";
  get.key = key_;
  get.purpose = {"read", key_};
  if (held_ > 0) get.headers = {{"Range", "bytes=" + std::to_string(held_) + "-"}, {"If-Match", version_}};
  if (asks_for_news()) get.headers.emplace_back("If-None-Match", request_.if_none_match);
  return client_.send(get, timer_);
}

Result<GetAnswer> S3Download::attempt() {
  for (;;) {
    MIDAIR_TRY_ASSIGN(const Step outcome, step());
    if (outcome) return *outcome;
  }
}

Result<S3Download::Step> S3Download::step() {
  auto answer = ask();
  if (answer) return take(*answer);
  const int status = answer.error().http_status;
  if (held_ > 0 && (status == kRefusedVersion || status == kRefusedRange)) return after_refused_range(answer.error());
  return answer.error();
}

Result<S3Download::Step> S3Download::after_refused_range(const Error& refusal) {
  if (refusal.http_status == kRefusedRange) {
    // No byte lies beyond the last one: perhaps because the sink holds them all.
    S3Request head;
    head.method = "HEAD";
    head.key = key_;
    head.purpose = {"read", key_};
    MIDAIR_TRY_ASSIGN(const HttpStream answer, client_.send(head, timer_));
    const auto size = number_in(answer.head().header("Content-Length"));
    if (size == held_ && to_etag(answer.head().header("ETag")) == version_)
      return Step(GetAnswer{false, version_, held_});
  }
  MIDAIR_TRY(start_over());
  return Step();
}

Result<void> S3Download::start_over() {
  held_ = 0;
  version_.clear();
  touched_ = true;
  auto restarted = sink_.restart();
  sink_failed_ = !restarted.ok();
  return restarted;
}

Error S3Download::foreign(const std::string& cause) const {
  return {Errc::corrupt, "read", key_, cause, "check the endpoint (AWS_ENDPOINT_URL_S3) and the network"};
}

Result<S3Download::Step> S3Download::take(HttpStream& answer) {
  const Etag etag = to_etag(answer.head().header("ETag"));
  if (answer.head().status == kNotModified) {
    if (!asks_for_news()) return foreign("status 304 was not asked for");
    return Step(GetAnswer{true, etag.empty() ? request_.if_none_match : etag, 0});  // Ceph sends no ETag with a 304
  }
  if (etag.empty()) {
    const std::string type = answer.head().header("Content-Type");
    return foreign("the answer has no ETag: it is not from an S3 server" +
                   (type.starts_with("text/html") ? std::string(" (it is HTML)") : std::string()));
  }
  const std::string coding = answer.head().header("Content-Encoding");
  if (!coding.empty() && coding != "identity" && coding != "aws-chunked")
    return foreign("something on the way encoded it as '" + coding.substr(0, 20) + "'");
  MIDAIR_TRY_ASSIGN(const Stretch stretch, stretch_of(answer));
  MIDAIR_TRY(check_size(request_, stretch.total));
  if (held_ > 0 && (stretch.start != held_ || etag != version_)) {
    MIDAIR_TRY(start_over());
    if (stretch.start != 0) return Step();  // a range of something else
  }
  version_ = etag;
  MIDAIR_TRY(deliver(answer, stretch.total));
  return Step(GetAnswer{false, etag, stretch.total});
}

Result<S3Download::Stretch> S3Download::stretch_of(const HttpStream& answer) const {
  if (answer.head().status == kWhole) {
    const auto length = number_in(answer.head().header("Content-Length"));
    if (!length || !answer.head().header("Transfer-Encoding").empty())
      return foreign("the answer does not say how long it is");
    return Stretch{0, *length};
  }
  // "bytes 5-9/10" (RFC 9110 section 14.4)
  const std::string range = answer.head().header("Content-Range");
  const auto dash = range.find('-');
  const auto slash = range.find('/');
  if (answer.head().status == kPart && held_ > 0 && range.starts_with("bytes ") && dash != std::string::npos &&
      slash != std::string::npos && dash < slash) {
    const auto start = number_in(std::string_view(range).substr(6, dash - 6));
    const auto total = number_in(std::string_view(range).substr(slash + 1));
    if (start && total && *start <= *total) return Stretch{*start, *total};
  }
  return foreign("status " + std::to_string(answer.head().status) + " was not asked for");
}

Result<void> S3Download::deliver(HttpStream& answer, std::uint64_t total) {
  const auto buffer = std::make_unique<char[]>(kChunk);
  for (;;) {
    MIDAIR_TRY(timer_.check("read", key_));
    MIDAIR_TRY_ASSIGN(const std::size_t n, answer.read(buffer.get(), kChunk));
    if (n == 0) break;
    touched_ = true;
    if (n > total - held_) return foreign("the answer is longer than it says");
    auto taken = sink_.write({buffer.get(), n});
    sink_failed_ = !taken.ok();
    MIDAIR_TRY(std::move(taken));
    held_ += n;
  }
  if (held_ < total)
    return Error{Errc::unavailable, "read", key_, "the answer ended " + std::to_string(total - held_) + " bytes early"};
  return {};
}

}  // namespace midair
