/// @file
/// The rules of get(), put() and list() that the memory and the file store share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "midair/error.h"
#include "midair/store/object_store.h"

namespace midair {

/// Errc::bad_input unless `prefix` can be the start of a key.
[[nodiscard]] Result<void> check_prefix(const std::string& prefix);

/// Errc::precondition unless `condition` holds for an object that has the version `current` (nothing: no object).
[[nodiscard]] Result<void> check_condition(const PutCondition& condition, const std::optional<Etag>& current,
                                           const std::string& key);

/// Errc::corrupt if the object is larger than the request allows.
[[nodiscard]] Result<void> check_size(const GetRequest& request, std::uint64_t size);

/// Where delivery begins for an object with this version and size. Restarts the sink if that is not where the caller
/// asked to begin.
[[nodiscard]] Result<std::uint64_t> start_of_delivery(const GetRequest& request, const Etag& etag, std::uint64_t size,
                                                      ByteSink& sink);

/// Errc::corrupt: the source gave another number of bytes than it promised.
[[nodiscard]] Error wrong_body_length(const std::string& key, std::uint64_t promised, std::uint64_t given);

}  // namespace midair
