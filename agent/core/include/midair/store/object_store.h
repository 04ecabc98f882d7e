/// @file
/// The object store: everything that agents and sidecars share goes through this interface.
///
/// Implementations: S3ObjectStore (s3_object_store.h), FileObjectStore (file_object_store.h) and, for tests,
/// MemoryObjectStore (memory_object_store.h). tests/support holds the conformance suite that all of them pass.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/bytes.h"
#include "midair/call_limits.h"
#include "midair/error.h"

namespace midair {

/// An object's version as the server spells it; compared as an opaque string, never parsed, never trusted as
/// a digest. A weak prefix (`W/`) is stripped.
using Etag = std::string;

/// For a transfer of `size` bytes: one that is slower than 128 KiB/s is given up after 30 s and more, so that a server
/// that drips holds nobody up. Stalls end sooner, by the store's own rules.
[[nodiscard]] CallLimits transfer_limits(std::uint64_t size, std::stop_token stop = {});

/// One object as a listing or a HEAD tells it.
struct ObjectInfo {
  std::string key;
  Etag etag;
  std::uint64_t size = 0;  ///< bytes
  /// When this version was stored, by the store's clock; nothing where it does not say. Good for "is it old", no more.
  std::optional<std::chrono::system_clock::time_point> modified{};
};

/// What get() is asked for.
struct GetRequest {
  std::string key;
  Etag if_none_match{};      ///< non-empty: answer not_modified while the object has this version
  std::uint64_t max_size{};  ///< more bytes than this end the call with Errc::corrupt before they are delivered
  /// Bytes of the object that the caller already holds, delivered from here on. Needs `if_match`; where the object
  /// is another by now, or the server can't serve ranges, the sink is restarted and gets everything.
  std::uint64_t offset = 0;
  Etag if_match{};  ///< the version that `offset` belongs to
};

/// What get() found.
struct GetAnswer {
  bool not_modified = false;  ///< the object still has the version `if_none_match`; nothing was delivered
  Etag etag{};
  std::uint64_t size = 0;  ///< of the whole object, bytes
};

/// The condition that a put() is subject to.
struct PutCondition {
  enum class Kind { none, if_absent, if_match };
  Kind kind = Kind::none;
  Etag etag{};

  static PutCondition none() { return {}; }
  static PutCondition if_absent() { return {Kind::if_absent, {}}; }
  static PutCondition if_match(Etag etag) { return {Kind::if_match, std::move(etag)}; }
};

/// A flat map from keys to objects with atomic conditional writes. Keys are relative paths such as
/// "releases/app-current.json": non-empty, printable ASCII, no "." or ".." segment, at most 1,024 bytes
/// (Errc::bad_input otherwise). Thread-safe.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Streams an object into `sink`. Errc::not_found if there is none.
  virtual Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) = 0;

  /// Stores an object; readers see the old one or the new one, never a part. Errc::precondition if the condition
  /// does not hold *or the outcome of a conditional write is unknown* (409, 412, 5xx or a lost answer): the caller
  /// reads again and decides.
  virtual Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                           const CallLimits& limits) = 0;

  /// Errc::not_found if there is none.
  virtual Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) = 0;

  /// Success also if there is none. Where `if_match` is given and the object has another version, Errc::precondition
  /// and nothing is removed (on S3, where servers ignore that condition, checked by a read just before).
  virtual Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match = {}) = 0;

  /// All objects whose key starts with `prefix`, in key order.
  virtual Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) = 0;

  /// The address under which others find `key`, without credentials: "https://.../bucket/key", "file:///dir/key".
  [[nodiscard]] virtual std::string url_of(const std::string& key) const = 0;

  /// The inverse: the key if `url` lies in this store (same scheme, host, port, bucket and prefix), else nothing. The
  /// two names of Tigris are one host.
  [[nodiscard]] virtual std::optional<std::string> key_of(std::string_view url) const = 0;

  /// What people call this store: "s3://bucket/prefix at https://host", "file:///dir".
  [[nodiscard]] virtual std::string name() const = 0;
};

/// Errc::bad_input unless `key` obeys the rules stated at ObjectStore.
[[nodiscard]] Result<void> check_key(std::string_view key);

/// Decodes the path of an object's URL to a key. Nothing if there is a query or fragment, an escape is malformed or
/// hides a slash, or the key breaks the rules of check_key().
[[nodiscard]] std::optional<std::string> decode_key(std::string_view path);

/// A small object as text.
struct TextObject {
  std::string text;
  Etag etag;
};

/// Reads a small object of at most `max_size` bytes.
[[nodiscard]] Result<TextObject> get_text(ObjectStore& store, const std::string& key, std::uint64_t max_size,
                                          const CallLimits& limits);
/// The same, but nothing while the object still has the version `known`; where that is empty, always the object.
[[nodiscard]] Result<std::optional<TextObject>> get_news(ObjectStore& store, const std::string& key,
                                                         std::uint64_t max_size, const Etag& known,
                                                         const CallLimits& limits);
/// Stores a small object.
[[nodiscard]] Result<Etag> put_text(ObjectStore& store, const std::string& key, std::string_view text,
                                    const PutCondition& condition, const CallLimits& limits);

}  // namespace midair
