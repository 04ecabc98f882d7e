#include "token_chain.h"

#include <algorithm>
#include <utility>

#include "midair/call_timer.h"
#include "midair/digest.h"
#include "midair/duration.h"
#include "midair/log.h"

namespace midair::host::tokens {

namespace {

using TokenPtr = std::shared_ptr<const ApiToken>;
using std::chrono::milliseconds;

std::string digest_of(const Secret& text) {
  Sha256 hash;
  hash.update(text.reveal());
  return hash.finish();
}

/// True for an error that says something about its caller's limits, not about tokens.
bool is_of_limits(const Error& error) { return error.code == Errc::timeout || error.code == Errc::cancelled; }

Error limits_reached(const std::string& app, const CallLimits& limits) {
  if (limits.stop.stop_requested()) return {Errc::cancelled, "get a token for", app, "interrupted"};
  return {Errc::timeout, "get a token for", app, "none came within " + format_duration(limits.deadline)};
}

/// Who was asked and why there was nothing, in one sentence.
class Complaints {
 public:
  explicit Complaints(std::string app) : app_(std::move(app)) {}

  void add(const std::string& origin, const Error& error) {
    if (error.code != Errc::not_found)
      log(LogLevel::warning, "tokens.source_failed", {{"source", origin}, {"error", error.message()}});
    add(origin, error.cause);
    if (!error.hint.empty()) hint_ = error.hint;
  }
  void add_rejected(const std::string& origin) {
    rejected_ = true;
    add(origin, "the API rejected this token (401)");
  }

  [[nodiscard]] Error error() const {
    return {rejected_ ? Errc::denied : Errc::not_found, "get a token for", app_,
            text_.empty() ? "all sources are switched off" : text_, hint_ + ", or midair tokens set"};
  }

 private:
  void add(const std::string& origin, const std::string& why) {
    text_ += (text_.empty() ? "" : "; ") + origin + ": " + why;
  }

  const std::string app_;
  bool rejected_ = false;
  std::string text_;
  std::string hint_ = "fly auth login";
};

constexpr const char* kStore = "store";  // the one origin that the chain itself writes to

}  // namespace

/// What concerns one app. Members are guarded by `mutex`.
struct TokenChain::App {
  std::mutex mutex;
  std::condition_variable_any turn_ended;
  bool searching = false;          ///< somebody has the turn
  std::uint64_t turns = 0;         ///< that have ended
  std::uint64_t epoch = 0;         ///< raised by whatever makes void what is being searched for
  bool stored_is_void = false;     ///< the durable store may still hold what was invalidated
  std::optional<Error> failure;    ///< of the last turn, as far as it concerns others
  std::set<std::string> rejected;  ///< digests of tokens
  std::string rejected_source;     ///< of the last of them, until another token is used
};

/// A caller at one app: holds its lock, but for the time of its turn.
class TokenChain::Turn {
 public:
  explicit Turn(App& state) : state_(state), lock_(state.mutex) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!lock_.owns_lock()) end();
  }

  App& state() { return state_; }

  /// Waits until the present turn has ended; false if the limits came first.
  bool await_end(const CallLimits& limits) {
    const auto ended = [&, turn = state_.turns] { return state_.turns != turn; };
    return state_.turn_ended.wait_for(lock_, limits.stop, limits.deadline, ended);
  }

  void begin() {
    state_.searching = true;
    state_.failure.reset();
    lock_.unlock();
  }

  void end() {
    lock_.lock();
    state_.searching = false;
    ++state_.turns;
    state_.turn_ended.notify_all();
  }

 private:
  App& state_;
  std::unique_lock<std::mutex> lock_;
};

TokenChain::TokenChain(std::vector<std::unique_ptr<TokenOrigin>> origins, TokenStore& store, const Clock& clock,
                       OnExpiring on_expiring)
    : origins_(std::move(origins)), store_(store), clock_(clock), on_expiring_(std::move(on_expiring)), cache_(clock) {}

TokenChain::~TokenChain() = default;

Result<TokenPtr> TokenChain::token(const std::string& app, const CallLimits& limits) {
  if (auto cached = cache_.find(app)) return cached;
  MIDAIR_TRY(check_token_app(app));
  return acquire(app, limits);
}

TokenChain::App& TokenChain::state_of(const std::string& app) {
  const std::scoped_lock lock(apps_mutex_);
  auto& state = apps_[app];
  if (!state) state = std::make_unique<App>();
  return *state;
}

Result<TokenPtr> TokenChain::acquire(const std::string& app, const CallLimits& limits) {
  const CallTimer timer(limits, clock_);
  Turn turn(state_of(app));
  App& state = turn.state();
  for (;;) {
    if (auto cached = cache_.find(app)) return cached;
    if (timer.is_over()) return limits_reached(app, limits);
    if (state.searching) {
      if (turn.await_end(timer.limits()) && state.failure) return *state.failure;
      continue;
    }
    auto found = take_turn(turn, app, state.stored_is_void ? Scope::without_stored : Scope::all, timer.limits());
    if (!found) continue;
    if (found->ok()) return std::make_shared<const ApiToken>((*found)->token);
    if (!is_of_limits(found->error())) state.failure = found->error();
    return found->error();
  }
}

std::optional<Result<FoundToken>> TokenChain::take_turn(Turn& turn, const std::string& app, Scope scope,
                                                        const CallLimits& limits) {
  App& state = turn.state();
  const std::uint64_t epoch = state.epoch;
  turn.begin();
  auto found = search(app, state, scope, limits);
  turn.end();
  if (epoch != state.epoch) return std::nullopt;
  if (found.ok()) {
    if (scope == Scope::without_stored) state.stored_is_void = false;
    publish(app, *found);
    tell_of_replacement(app, state, found->token);
  }
  return found;
}

Result<FoundToken> TokenChain::search(const std::string& app, App& state, Scope scope, const CallLimits& limits) {
  const CallTimer timer(limits, clock_);
  if (scope == Scope::without_stored) MIDAIR_TRY(store_.remove(app, TokenSlot::acquired, timer.limits()));
  const auto is_rejected = [&](const ApiToken& token) {
    const std::scoped_lock lock(state.mutex);
    return state.rejected.contains(digest_of(token.text));
  };
  Complaints complaints(app);
  for (const auto& origin : origins_) {
    const bool is_store = origin->name() == kStore;
    if (scope == Scope::minted ? !origin->mints() : scope == Scope::without_stored && is_store) continue;
    auto found = origin->find(app, timer.limits());
    if (found.ok() && !is_rejected(found->token)) {
      if (origin->mints()) keep(app, found->token, timer.limits());
      return found;
    }
    if (found.ok()) {
      complaints.add_rejected(origin->name());
      if (is_store) MIDAIR_TRY(store_.remove(app, TokenSlot::acquired, timer.limits()));
      continue;
    }
    const Error& error = found.error();
    if (is_of_limits(error) && timer.is_over()) return error;
    // A store that others may read is no store; to go on as if it were not there would hide that for ever.
    if (is_store && error.code == Errc::denied) return error;
    complaints.add(origin->name(), error);
  }
  // The next caller gets to try them all again: a 401 may have been the API's own fault.
  const std::scoped_lock lock(state.mutex);
  state.rejected.clear();
  return complaints.error();
}

void TokenChain::keep(const std::string& app, const ApiToken& token, const CallLimits& limits) {
  if (!uses_store()) return;
  const StoredToken stored{token.text, token.source, clock_.wall(), token.expires_at};
  if (const auto kept = store_.put(app, TokenSlot::acquired, stored, limits); !kept.ok())
    log(LogLevel::warning, "tokens.not_stored", {{"app", app}, {"error", kept.error().message()}});
}

bool TokenChain::uses_store() const {
  return std::ranges::any_of(origins_, [](const auto& origin) { return origin->name() == kStore; });
}

void TokenChain::publish(const std::string& app, const FoundToken& found) {
  cache_.put(app, found.token, clock_.now() + found.reuse_for);
  if (found.token.expires_at && on_expiring_) on_expiring_(app, *found.token.expires_at);
}

void TokenChain::tell_of_replacement(const std::string& app, App& state, const ApiToken& token) {
  const std::string rejected = std::exchange(state.rejected_source, {});
  if (rejected.empty() || rejected == token.source) return;
  log(LogLevel::warning, "tokens.replaced",
      {{"app", app},
       {"rejected", rejected},
       {"used", token.source},
       {"hint", "the API rejects that token (401): correct it or take it away"}});
}

void TokenChain::rejected(const std::string& app, const ApiToken& token) {
  App& state = state_of(app);
  const std::scoped_lock lock(state.mutex);
  state.rejected.insert(digest_of(token.text));
  state.rejected_source = token.source;
  const auto cached = cache_.find(app);
  if (!cached || cached->text.reveal() != token.text.reveal()) return;
  ++state.epoch;
  cache_.drop(app);
  log(LogLevel::notice, "tokens.rejected", {{"app", app}, {"source", token.source}});
}

Result<void> TokenChain::invalidate(const std::string& app, const CallLimits& limits) {
  MIDAIR_TRY(check_token_app(app));
  App& state = state_of(app);
  {
    const std::scoped_lock lock(state.mutex);
    ++state.epoch;
    state.stored_is_void = uses_store();
    cache_.drop(app);
  }
  return uses_store() ? store_.remove(app, TokenSlot::acquired, limits) : Result<void>();
}

Result<TokenPtr> TokenChain::refresh(const std::string& app, const CallLimits& limits) {
  const CallTimer timer(limits, clock_);
  MIDAIR_TRY(invalidate(app, limits));
  return acquire(app, timer.limits());
}

Result<void> TokenChain::renew(const std::string& app, const CallLimits& limits) {
  Turn turn(state_of(app));
  if (turn.state().searching) return {};  // what that finds is as new
  const auto found = take_turn(turn, app, Scope::minted, limits);
  return found && !found->ok() ? found->error() : Result<void>();
}

}  // namespace midair::host::tokens
