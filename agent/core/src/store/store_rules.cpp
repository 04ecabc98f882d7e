#include "store/store_rules.h"

namespace midair {

Result<void> check_prefix(const std::string& prefix) {
  if (prefix.empty()) return {};
  // The last segment may be the start of any name, so it is completed to one that is never "", "." or "..".
  return check_key(prefix + "x");
}

Result<void> check_condition(const PutCondition& condition, const std::optional<Etag>& current,
                             const std::string& key) {
  if (condition.kind == PutCondition::Kind::if_absent && current)
    return Error{Errc::precondition, "store", key, "it exists already"};
  if (condition.kind == PutCondition::Kind::if_match && !current)
    return Error{Errc::precondition, "replace", key, "it does not exist any more"};
  if (condition.kind == PutCondition::Kind::if_match && *current != condition.etag)
    return Error{Errc::precondition, "replace", key, "somebody else changed it meanwhile"};
  return {};
}

Result<void> check_size(const GetRequest& request, std::uint64_t size) {
  if (size > request.max_size)
    return Error{Errc::corrupt, "read", request.key,
                 "it has " + std::to_string(size) + " bytes, " + std::to_string(request.max_size) + " are allowed"};
  return {};
}

Result<std::uint64_t> start_of_delivery(const GetRequest& request, const Etag& etag, std::uint64_t size,
                                        ByteSink& sink) {
  if (request.offset == 0) return std::uint64_t{0};
  if (request.if_match == etag && request.offset <= size) return request.offset;
  MIDAIR_TRY(sink.restart());
  return std::uint64_t{0};
}

Error wrong_body_length(const std::string& key, std::uint64_t promised, std::uint64_t given) {
  return {Errc::corrupt, "store", key,
          "the source gave " + std::to_string(given) + " bytes instead of " + std::to_string(promised),
          "leave the file alone while it is uploaded"};
}

}  // namespace midair
