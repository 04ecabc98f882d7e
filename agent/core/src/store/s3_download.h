/// @file
/// One download that survives lost connections: it goes on at the byte where it was cut off.
#pragma once

#include <optional>
#include <string>

#include "midair/call_timer.h"
#include "midair/error.h"
#include "midair/store/object_store.h"
#include "store/s3_client.h"

namespace midair {

/// One get(); made for a single run(). What the sink got is never fetched again, as long as the object keeps its
/// version and the server can serve ranges.
class S3Download {
 public:
  /// `key` is the bucket's. Keeps references to all of its arguments but `key`.
  S3Download(S3Client& client, std::string key, const GetRequest& request, ByteSink& sink, const CallTimer& timer);

  /// See ObjectStore::get().
  [[nodiscard]] Result<GetAnswer> run();

 private:
  /// Where the server's answer begins, and how long the whole object is.
  struct Stretch {
    std::uint64_t start = 0;
    std::uint64_t total = 0;
  };

  /// The outcome, or nothing where the sink was restarted and the object has to be asked for again.
  using Step = std::optional<GetAnswer>;

  [[nodiscard]] bool asks_for_news() const { return !request_.if_none_match.empty() && !touched_; }
  [[nodiscard]] Result<GetAnswer> attempt();
  [[nodiscard]] Result<Step> step();
  [[nodiscard]] Result<HttpStream> ask();
  [[nodiscard]] Result<Step> take(HttpStream& answer);
  [[nodiscard]] Result<Step> after_refused_range(const Error& refusal);
  [[nodiscard]] Result<Stretch> stretch_of(const HttpStream& answer) const;
  [[nodiscard]] Result<void> deliver(HttpStream& answer, std::uint64_t total);
  [[nodiscard]] Result<void> start_over();
  [[nodiscard]] Error foreign(const std::string& cause) const;

  S3Client& client_;
  const std::string key_;
  const GetRequest& request_;
  ByteSink& sink_;
  const CallTimer& timer_;

  std::uint64_t held_;        ///< bytes that the sink holds
  Etag version_;              ///< ... of this version
  bool touched_ = false;      ///< something was delivered or restarted: 304 is no answer any more
  bool sink_failed_ = false;  ///< the sink's errors are final
};

}  // namespace midair
