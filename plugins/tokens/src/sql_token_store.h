/// @file
/// Tokens in a table: what the SQL databases have in common.
#pragma once

#include <Poco/Data/Session.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "midair/host/token_store.h"

namespace midair::host::tokens {

/// Keeps tokens in the table `midair_tokens`, through one connection that is opened at the first call and again when it
/// broke. Each verb is one statement, so the database makes it atomic; all can be repeated without harm. Thread-safe.
class SqlTokenStore : public TokenStore {
 public:
  Result<std::optional<StoredToken>> get(const std::string& app, TokenSlot slot, const CallLimits& limits) override;
  Result<void> put(const std::string& app, TokenSlot slot, const StoredToken& token, const CallLimits& limits) override;
  Result<void> remove(const std::string& app, TokenSlot slot, const CallLimits& limits) override;
  Result<std::vector<TokenEntry>> list(const CallLimits& limits) override;

 protected:
  /// Opens a connection that waits kPatience at most for others, and creates the table if it isn't there. May throw
  /// what Poco throws.
  virtual Result<Poco::Data::Session> connect() = 0;
  /// What an exception of the database means; `op` is what was being done.
  [[nodiscard]] virtual Error explain(const Poco::Exception& failure, std::string op) const = 0;
  /// Called after tokens were removed, to remove their traces.
  virtual void scrub(Poco::Data::Session& /*session*/) {}

  /// The longest that one statement waits for others.
  static constexpr std::chrono::milliseconds kPatience{1000};
  /// The statement that creates the table.
  static const char* const kCreateTable;

 private:
  using Work = std::function<void(Poco::Data::Session&)>;

  /// Does `work`, and again while others keep the database busy and `limits` allow.
  Result<void> run(const std::string& op, const CallLimits& limits, const Work& work);
  Result<void> try_once(const std::string& op, const Work& work);
  Result<void> attempt(const std::string& op, const Work& work);

  std::mutex mutex_;
  std::condition_variable freed_;
  bool busy_ = false;                           ///< guarded by mutex_: a thread has the session
  std::optional<Poco::Data::Session> session_;  ///< owned by the thread that set busy_
};

}  // namespace midair::host::tokens
