#include "midair/host/publish/conditional_put.h"

namespace midair::host {

namespace {

constexpr int kMaxAttempts = 3;
/// Longer than any object that is written this way.
constexpr std::uint64_t kMaxBytes = 64 * 1024;

bool outcome_unknown(const Error& error) { return error.code == Errc::precondition || error.retryable(); }

bool holds(const PutCondition& condition, const std::optional<TextObject>& there) {
  if (condition.kind == PutCondition::Kind::if_absent) return !there;
  return there && there->etag == condition.etag;
}

/// What lies at `key`; nothing if nothing does.
Result<std::optional<TextObject>> look(ObjectStore& store, const std::string& key, const CallLimits& limits) {
  auto there = get_text(store, key, kMaxBytes, limits);
  if (there.ok()) return std::optional(*std::move(there));
  if (there.error().code == Errc::not_found) return std::optional<TextObject>();
  auto error = std::move(there).error();
  error.cause += "; a write to it was not answered, so whether it was done is unknown";
  return error;
}

}  // namespace

Result<std::optional<Etag>> conditional_put(ObjectStore& store, const std::string& key, const std::string& text,
                                            const PutCondition& condition, const CallLimits& limits) {
  Error refusal;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto etag = put_text(store, key, text, condition, limits);
    if (etag.ok()) return std::optional(*std::move(etag));
    if (!outcome_unknown(etag.error())) return std::move(etag).error();
    refusal = std::move(etag).error();
    MIDAIR_TRY_ASSIGN(const auto there, look(store, key, limits));
    if (there && there->text == text) return std::optional(there->etag);
    if (!holds(condition, there)) return std::optional<Etag>();
  }
  if (refusal.code == Errc::precondition) {
    refusal.code = Errc::unavailable;
    refusal.cause = "the store accepts no conditional write: " + refusal.cause;
  }
  return refusal;
}

}  // namespace midair::host
