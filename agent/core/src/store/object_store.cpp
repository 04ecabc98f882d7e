#include "midair/store/object_store.h"

#include <algorithm>
#include <cstring>

namespace midair {

namespace {

constexpr std::size_t kMaxKeyBytes = 1024;  // S3's own limit
constexpr std::chrono::seconds kTransferAllowance{30};
constexpr std::uint64_t kMinBytesPerSecond = 128 * 1024;

class StringSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override {
    text_ += bytes;
    return {};
  }
  Result<void> restart() override {
    text_.clear();
    return {};
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  [[nodiscard]] std::uint64_t size() const override { return text_.size(); }
  Result<std::size_t> read(char* buffer, std::size_t capacity) override {
    const std::size_t n = std::min(capacity, text_.size() - offset_);
    std::memcpy(buffer, text_.data() + offset_, n);
    offset_ += n;
    return n;
  }
  Result<void> seek(std::uint64_t offset) override {
    if (offset > text_.size()) return Error{Errc::bug, "seek in", "a text", "the offset is beyond its end"};
    offset_ = offset;
    return {};
  }

 private:
  const std::string_view text_;
  std::size_t offset_ = 0;
};

const char* problem_of_segment(std::string_view segment) {
  if (segment.empty()) return "it has an empty segment";
  if (segment == "." || segment == "..") return "it has a segment '.' or '..'";
  return nullptr;
}

const char* problem_of_key(std::string_view key) {
  if (key.empty()) return "it is empty";
  if (key.size() > kMaxKeyBytes) return "it is longer than 1024 bytes";
  if (std::any_of(key.begin(), key.end(), [](char c) { return c < ' ' || c > '~'; }))
    return "it has characters that are not printable ASCII";
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t end = std::min(key.find('/', start), key.size());
    if (const char* problem = problem_of_segment(key.substr(start, end - start))) return problem;
    start = end + 1;
  }
  return nullptr;
}

std::string quoted_for_error(std::string_view key) {
  std::string text(key.substr(0, 80));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return "'" + text + (key.size() > 80 ? "...'" : "'");
}

}  // namespace

CallLimits transfer_limits(std::uint64_t size, std::stop_token stop) {
  return {kTransferAllowance + std::chrono::seconds(size / kMinBytesPerSecond), std::move(stop)};
}

Result<void> check_key(std::string_view key) {
  if (const char* problem = problem_of_key(key))
    return Error{Errc::bad_input, "use the object key", quoted_for_error(key), problem,
                 "keys are relative paths such as releases/app-current.json"};
  return {};
}

Result<TextObject> get_text(ObjectStore& store, const std::string& key, std::uint64_t max_size,
                            const CallLimits& limits) {
  StringSink sink;
  GetRequest request;
  request.key = key;
  request.max_size = max_size;
  MIDAIR_TRY_ASSIGN(GetAnswer answer, store.get(request, sink, limits));
  return TextObject{sink.take(), std::move(answer.etag)};
}

Result<Etag> put_text(ObjectStore& store, const std::string& key, std::string_view text, const PutCondition& condition,
                      const CallLimits& limits) {
  TextSource source(text);
  return store.put(key, source, condition, limits);
}

}  // namespace midair
