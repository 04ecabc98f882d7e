/// @file
/// Uploads: one PUT for small objects, a multipart upload for large ones.
#pragma once

#include <string>

#include "midair/call_timer.h"
#include "midair/error.h"
#include "midair/store/object_store.h"
#include "store/s3_client.h"

namespace midair {

/// Larger objects go up in parts, of at least this size each.
inline constexpr std::uint64_t kPartSize = 16ULL << 20;

/// One upload of `body` as `key`; made for a single run(). Reads each stretch of the body twice: S3 wants its hash in
/// the request's head. Memory does not grow with size.
///
/// A condition holds for one PUT at the moment when the object appears. Of a multipart upload some servers (Ceph 16)
/// ignore the condition: it is therefore also checked by a HEAD before the first part and before the completion, which
/// leaves a short window there. Midair's pointers and locks are small and never go that way. A multipart upload that
/// fails is aborted, also after the deadline: that takes at most one further second.
class S3Upload {
 public:
  S3Upload(S3Client& client, std::string key, ByteSource& body, const PutCondition& condition, const CallTimer& timer);

  /// See ObjectStore::put().
  [[nodiscard]] Result<Etag> run();

 private:
  [[nodiscard]] Result<Etag> put_whole();
  [[nodiscard]] Result<Etag> put_in_parts();
  [[nodiscard]] Result<std::string> begin_parts();
  [[nodiscard]] Result<std::vector<Etag>> send_parts(const std::string& upload_id);
  [[nodiscard]] Result<Etag> complete(const std::string& upload_id, const std::vector<Etag>& parts);
  void abort(const std::string& upload_id);
  [[nodiscard]] Result<void> check_condition_by_head();
  /// The version that the server has now; empty if there is no such object.
  [[nodiscard]] Result<Etag> current_version();

  [[nodiscard]] Result<Etag> put_stretch(const NameValues& query, const NameValues& headers, std::uint64_t offset,
                                         std::uint64_t length);
  [[nodiscard]] NameValues condition_headers() const;
  [[nodiscard]] S3Request request(const std::string& method, NameValues query) const;

  S3Client& client_;
  const std::string key_;
  ByteSource& body_;
  const PutCondition condition_;
  const CallTimer& timer_;
};

}  // namespace midair
