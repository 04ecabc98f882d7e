#include "token_cache.h"

namespace midair::host::tokens {

namespace {

std::uint64_t next_stamp() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

/// A thread's copy of the entries of the cache that it asked last.
struct TokenCache::View {
  std::uint64_t stamp = 0;
  Entries entries;
};

std::shared_ptr<const ApiToken> TokenCache::find(const std::string& app) const {
  thread_local View view;
  const std::uint64_t stamp = stamp_.load(std::memory_order_acquire);
  if (stamp == 0) return nullptr;
  if (stamp != view.stamp) view = take_view();
  const auto found = view.entries.find(app);
  if (found == view.entries.end() || clock_.now() >= found->second.good_until) return nullptr;
  return found->second.token;
}

TokenCache::View TokenCache::take_view() const {
  const std::scoped_lock lock(mutex_);
  View view{stamp_.load(std::memory_order_relaxed), entries_};
  // Pointers with a counter of the thread's own, so that threads don't fight over one.
  for (auto& [app, entry] : view.entries) {
    const auto* token = entry.token.get();
    entry.token = {std::make_shared<std::shared_ptr<const ApiToken>>(std::move(entry.token)), token};
  }
  return view;
}

void TokenCache::put(const std::string& app, ApiToken token, BootTime good_until) {
  const std::scoped_lock lock(mutex_);
  entries_.insert_or_assign(app, Entry{std::make_shared<const ApiToken>(std::move(token)), good_until});
  stamp_.store(next_stamp(), std::memory_order_release);
}

void TokenCache::drop(const std::string& app) {
  const std::scoped_lock lock(mutex_);
  if (entries_.erase(app) > 0) stamp_.store(next_stamp(), std::memory_order_release);
}

}  // namespace midair::host::tokens
