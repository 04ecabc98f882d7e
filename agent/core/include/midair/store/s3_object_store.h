/// @file
/// An object store in a bucket of Amazon S3, Tigris, or whatever speaks their protocol.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/store/object_store.h"
#include "midair/store/open_store.h"

namespace midair {

class S3Client;

/// Keys are objects of a bucket, below an optional prefix. Requests are signed with SigV4 over kept-alive connections;
/// only `host` and `x-amz-*` are signed. Lost connections, 429 and 5xx are tried again with exponential backoff and
/// full jitter for as long as the call's deadline allows, other refusals never; downloads go on where they were cut
/// off; redirects are never followed. A wrong local clock is corrected for signing.
///
/// Objects above 16 MiB go up in parts. Some servers ignore the condition of such an upload (see S3Upload), and all of
/// them the condition of a removal: there it is checked by a read just before. A multipart upload that fails is
/// aborted, for which put() may take one second beyond its deadline.
class S3ObjectStore final : public ObjectStore {
 public:
  /// Checks the settings and reads `ca_file`; talks to nobody. `settings.address` is "s3://BUCKET[/PREFIX]".
  static Result<std::unique_ptr<S3ObjectStore>> open(const StoreSettings& settings);
  ~S3ObjectStore() override;

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override;
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override;
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override;
  Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match = {}) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) override;
  [[nodiscard]] std::string url_of(const std::string& key) const override;
  [[nodiscard]] std::optional<std::string> key_of(std::string_view url) const override;
  [[nodiscard]] std::string name() const override;

 private:
  S3ObjectStore(std::unique_ptr<S3Client> client, std::string prefix);

  /// The key as the bucket has it. Errc::bad_input as check_key() says.
  [[nodiscard]] Result<std::string> bucket_key(const std::string& key) const;

  const std::unique_ptr<S3Client> client_;
  const std::string prefix_;  ///< empty, or with a slash at the end
};

}  // namespace midair
