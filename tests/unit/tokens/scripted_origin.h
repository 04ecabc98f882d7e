/// @file
/// An origin of tokens that a test controls.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "token_origin.h"

namespace midair::host::tokens {

/// Gives the tokens "fo1_<name>-1", "fo1_<name>-2", ... Thread-safe.
class ScriptedOrigin final : public TokenOrigin {
 public:
  explicit ScriptedOrigin(std::string name, bool mints = false) : name_(std::move(name)), mints_(mints) {}

  Result<FoundToken> find(const std::string& /*app*/, const CallLimits& limits) override {
    std::unique_lock lock(mutex_);
    const int number = ++calls_;
    changed_.notify_all();
    if (!changed_.wait_for(lock, limits.stop, limits.deadline, [&] { return !held_; }))
      return Error{limits.stop.stop_requested() ? Errc::cancelled : Errc::timeout, "ask", name_, "it is held"};
    if (failure_) return *failure_;
    MIDAIR_TRY_ASSIGN(auto token,
                      parse_token(fixed_.empty() ? "fo1_" + name_ + "-" + std::to_string(number) : fixed_, name_));
    if (mints_) token.expires_at = system_clock().wall() + reuse_for_;
    return FoundToken{std::move(token), reuse_for_};
  }
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] bool mints() const override { return mints_; }

  void fail_with(std::optional<Error> failure) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::move(failure);
  }
  /// Always the same token from now on.
  void give(const std::string& text) {
    const std::scoped_lock lock(mutex_);
    fixed_ = text;
  }
  void reuse_for(std::chrono::milliseconds time) { reuse_for_ = time; }
  /// While held, callers wait inside of find().
  void hold(bool held) {
    const std::scoped_lock lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  int calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }
  /// Waits until find() has been called so often.
  void await_calls(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_ >= count; });
  }

 private:
  const std::string name_;
  const bool mints_;
  std::chrono::milliseconds reuse_for_ = kMaxCacheTime;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int calls_ = 0;
  bool held_ = false;
  std::string fixed_;
  std::optional<Error> failure_;
};

}  // namespace midair::host::tokens
