#include "sql_token_store.h"

#include <Poco/Data/Statement.h>

#include <algorithm>
#include <thread>
#include <tuple>

#include "midair/clock.h"

namespace midair::host::tokens {

using Poco::Int64;
using Poco::Data::Session;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;
using Poco::Data::Keywords::use;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kPause{50};  // between two tries

Int64 to_milliseconds(WallTime time) { return std::chrono::floor<milliseconds>(time.time_since_epoch()).count(); }

WallTime from_milliseconds(Int64 count) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(milliseconds(count)));
}

/// The columns of one row, in the database's own types.
struct Row {
  std::string app;
  std::string slot;
  std::string token{};
  std::string source{};
  Int64 stored_at = 0;
  Int64 expires_at = 0;  ///< 0: unknown

  [[nodiscard]] StoredToken stored() const {
    StoredToken stored{Secret(token), source, from_milliseconds(stored_at)};
    if (expires_at != 0) stored.expires_at = from_milliseconds(expires_at);
    return stored;
  }
};

}  // namespace

// Milliseconds since 1970; PostgreSQL and SQLite both read these types and the placeholders $1, $2, ...
const char* const SqlTokenStore::kCreateTable =
    "CREATE TABLE IF NOT EXISTS midair_tokens (app VARCHAR(255) NOT NULL, slot VARCHAR(16) NOT NULL, "
    "token TEXT NOT NULL, source TEXT NOT NULL, stored_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, "
    "PRIMARY KEY (app, slot))";

Result<std::optional<StoredToken>> SqlTokenStore::get(const std::string& app, TokenSlot slot,
                                                      const CallLimits& limits) {
  MIDAIR_TRY(check_token_app(app));
  std::optional<StoredToken> found;
  MIDAIR_TRY(run("read a token from", limits, [&](Session& session) {
    Row row{app, to_string(slot)};
    Poco::Data::Statement select(session);
    select << "SELECT token, source, stored_at, expires_at FROM midair_tokens WHERE app = $1 AND slot = $2",
        into(row.token), into(row.source), into(row.stored_at), into(row.expires_at), use(row.app), use(row.slot);
    found = select.execute() > 0 ? std::optional(row.stored()) : std::nullopt;
  }));
  return found;
}

Result<void> SqlTokenStore::put(const std::string& app, TokenSlot slot, const StoredToken& token,
                                const CallLimits& limits) {
  MIDAIR_TRY(check_token_app(app));
  Row row{app, to_string(slot), token.text.reveal(), token.source, to_milliseconds(token.stored_at)};
  if (token.expires_at) row.expires_at = to_milliseconds(*token.expires_at);
  return run("store a token in", limits, [&](Session& session) {
    session << "INSERT INTO midair_tokens (app, slot, token, source, stored_at, expires_at) "
               "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app, slot) DO UPDATE SET token = excluded.token, "
               "source = excluded.source, stored_at = excluded.stored_at, expires_at = excluded.expires_at",
        use(row.app), use(row.slot), use(row.token), use(row.source), use(row.stored_at), use(row.expires_at), now;
  });
}

Result<void> SqlTokenStore::remove(const std::string& app, TokenSlot slot, const CallLimits& limits) {
  MIDAIR_TRY(check_token_app(app));
  return run("remove a token from", limits, [&](Session& session) {
    Row row{app, to_string(slot)};
    session << "DELETE FROM midair_tokens WHERE app = $1 AND slot = $2", use(row.app), use(row.slot), now;
    scrub(session);
  });
}

Result<std::vector<TokenEntry>> SqlTokenStore::list(const CallLimits& limits) {
  std::vector<TokenEntry> entries;
  MIDAIR_TRY(run("list the tokens of", limits, [&](Session& session) {
    entries.clear();
    Row row;
    Poco::Data::Statement select(session);
    select << "SELECT app, slot, token, source, stored_at, expires_at FROM midair_tokens", into(row.app),
        into(row.slot), into(row.token), into(row.source), into(row.stored_at), into(row.expires_at),
        Poco::Data::Keywords::range(0, 1);
    while (!select.done()) {
      if (select.execute() == 0) continue;
      if (const auto slot = parse_token_slot(row.slot)) entries.push_back({row.app, *slot, row.stored()});
    }
  }));
  // Here, since databases differ in how they order text.
  std::ranges::sort(entries, {}, [](const TokenEntry& entry) { return std::tie(entry.app, entry.slot); });
  return entries;
}

Result<void> SqlTokenStore::run(const std::string& op, const CallLimits& limits, const Work& work) {
  const BootTime deadline = system_clock().now() + limits.deadline;
  for (;;) {
    if (limits.stop.stop_requested()) return Error{Errc::cancelled, op, name(), "interrupted"};
    auto done = try_once(op, work);
    if (done.ok() || done.error().code != Errc::timeout || system_clock().now() + kPause >= deadline) return done;
    std::this_thread::sleep_for(kPause);
  }
}

Result<void> SqlTokenStore::try_once(const std::string& op, const Work& work) {
  {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, kPatience, [this] { return !busy_; }))
      return Error{Errc::timeout, op, name(), "other threads keep it busy"};
    busy_ = true;
  }
  const bool reused = session_.has_value();
  auto done = attempt(op, work);
  if (reused && !done.ok() && done.error().code == Errc::unavailable) done = attempt(op, work);  // the server restarted
  const std::scoped_lock lock(mutex_);
  busy_ = false;
  freed_.notify_one();
  return done;
}

Result<void> SqlTokenStore::attempt(const std::string& op, const Work& work) {
  try {
    if (!session_) {
      MIDAIR_TRY_ASSIGN(session_, connect());
    }
    work(*session_);
    return {};
  } catch (const Poco::Exception& failure) {
    session_.reset();  // it may be broken; a new one costs little
    return explain(failure, op);
  }
}

}  // namespace midair::host::tokens
