#include "watch/pointer_watch.h"

#include <algorithm>

#include "midair/release/layout.h"
#include "midair/release/pointer.h"

namespace midair::sidecar {

namespace {

class TextSink final : public ByteSink {
 public:
  explicit TextSink(std::string& text) : text_(text) {}
  Result<void> write(std::string_view bytes) override {
    text_ += bytes;
    return {};
  }
  Result<void> restart() override {
    text_.clear();
    return {};
  }

 private:
  std::string& text_;
};

}  // namespace

PointerWatch::PointerWatch(ObjectStore& store, const TrustPolicy& policy, Identity identity,
                           std::uint64_t highest_sequence, std::chrono::milliseconds refresh,
                           const Clock& clock)
    : store_(store),
      policy_(policy),
      identity_(std::move(identity)),
      refresh_(refresh),
      clock_(clock),
      highest_sequence_(highest_sequence) {
  request_.key = StoreLayout{identity_.app}.pointer();
  request_.max_size = kMaxPointerBytes;
}

Result<PointerWatch::Seen> PointerWatch::read(const CallLimits& limits) {
  request_.if_none_match = refresh_is_due() ? Etag() : etag_;
  std::string bytes;
  TextSink sink(bytes);
  const auto answer = store_.get(request_, sink, limits);
  if (!answer) {
    if (answer.error().code == Errc::not_found) return Seen::missing;
    return answer.error();
  }
  if (answer->not_modified) return Seen::not_modified;

  const auto decision = policy_.decide(bytes, identity_, highest_sequence_, store_);
  if (!decision && decision.error().code == Errc::corrupt) return decision.error();
  refreshed_ = clock_.now();
  etag_ = answer->etag;
  if (bytes == bytes_) return Seen::same;
  bytes_ = std::move(bytes);
  return Seen::changed;
}

Result<Decision> PointerWatch::decide() const { return policy_.decide(bytes_, identity_, highest_sequence_, store_); }

void PointerWatch::trust(std::uint64_t sequence) { highest_sequence_ = std::max(highest_sequence_, sequence); }

bool PointerWatch::refresh_is_due() const { return clock_.now() - refreshed_ >= refresh_; }

}  // namespace midair::sidecar
