#include "conditional_put.h"

namespace midair {

Result<std::optional<Etag>> conditional_put(ObjectStore& store, const std::string& key, const std::string& text,
                                            const PutCondition& condition, const CallLimits& limits) {
  auto etag = put_text(store, key, text, condition, limits);
  if (etag.ok()) return std::optional(*etag);
  if (etag.error().code != Errc::precondition && !etag.error().retryable()) return std::move(etag).error();

  // What lies there now may be longer than our text: then it is not ours.
  auto there = get_text(store, key, text.size(), limits);
  if (there.ok()) return there->text == text ? std::optional(there->etag) : std::nullopt;
  if (there.error().code == Errc::not_found || there.error().code == Errc::corrupt) return std::optional<Etag>();
  auto error = std::move(there).error();
  error.cause += "; a write to it was not answered, so whether it was done is unknown";
  return error;
}

}  // namespace midair
