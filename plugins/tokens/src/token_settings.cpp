#include "token_settings.h"

#include <Poco/String.h>
#include <Poco/StringTokenizer.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "configured_token_store.h"
#include "midair/duration.h"
#include "midair/host/memory_token_store.h"
#include "postgresql_token_store.h"
#include "sqlite_token_store.h"

namespace midair::host::tokens {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 5> kSources{"store", "environment", "config", "command", "manual"};

/// The real environment. Config::env() would also look into fly.toml, which is no place for tokens.
std::optional<std::string> read_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

/// Where a user's programs keep what they can't make again (XDG base directories).
Result<fs::path> store_directory(const Config& config) {
  if (const auto named = config.get("tokens.dir")) return fs::path(*named);
  if (const auto state = read_variable("XDG_STATE_HOME")) return fs::path(*state) / "midair/tokens";
  if (const auto home = read_variable("HOME")) return fs::path(*home) / ".local/state/midair/tokens";
  return Error{Errc::bad_input, "choose", "a place for tokens", "neither XDG_STATE_HOME nor HOME is set",
               "set tokens.dir, or tokens.store to memory"};
}

Result<std::shared_ptr<TokenStore>> open_store_named(const std::string& name, const Context& context) {
  if (name == "memory") return std::shared_ptr<TokenStore>(std::make_shared<MemoryTokenStore>());
  if (name == "sqlite") {
    MIDAIR_TRY_ASSIGN(const fs::path directory, store_directory(context.config()));
    return std::shared_ptr<TokenStore>(std::make_shared<SqliteTokenStore>(directory));
  }
  if (name == "postgresql") {
    const auto connection = context.config().get("tokens.postgresql");
    if (!connection)
      return Error{Errc::bad_input, "use", "PostgreSQL for tokens", "no connection is given",
                   "set MIDAIR_TOKENS_POSTGRESQL to 'host=... dbname=... user=... password=...'"};
    return std::shared_ptr<TokenStore>(std::make_shared<PostgresqlTokenStore>(Secret(*connection)));
  }
  if (auto store = context.service<TokenStore>("token-store:" + name)) return store;
  return Error{Errc::bad_input, "use the token store", name,
               "there is none of that name: no plugin offers 'token-store:" + name + "'",
               "set tokens.store to sqlite, postgresql, memory or what a plugin offers"};
}

FlyCommand fly_command(const Config& config) {
  FlyCommand command;
  command.program = config.get("tokens.fly").value_or("");
  command.organization = config.get("tokens.org").value_or("");
  if (const auto limit = parse_duration(config.get("tokens.command_timeout").value_or("")); limit.ok())
    command.time_limit = *limit;
  return command;
}

}  // namespace

const SettingSpec* token_settings(std::size_t* count) {
  static const std::array<SettingSpec, 7> specs{{
      {"tokens.sources",
       OptionKind::text,
       "where tokens are looked for, in this order; those left out are switched off",
       {"MIDAIR_TOKENS_SOURCES"},
       "store,environment,config,command,manual"},
      {"tokens.store",
       OptionKind::text,
       "where tokens are kept: sqlite, postgresql, memory, or what a plugin offers",
       {"MIDAIR_TOKENS_STORE"},
       "sqlite"},
      {"tokens.dir", OptionKind::text, "the directory of the SQLite file", {"MIDAIR_TOKENS_DIR"}},
      {"tokens.postgresql",
       OptionKind::text,
       "connection to PostgreSQL: host=... dbname=... user=... password=...",
       {"MIDAIR_TOKENS_POSTGRESQL"},
       {},
       true},
      {"tokens.fly",
       OptionKind::text,
       "the program that mints tokens, instead of fly or flyctl on the PATH",
       {"MIDAIR_TOKENS_FLY"}},
      {"tokens.org", OptionKind::text, "the organization to mint tokens for", {"FLY_ORG"}},
      {"tokens.command_timeout", OptionKind::duration, "how long minting a token may take", {}, "15s"},
  }};
  *count = specs.size();
  return specs.data();
}

Result<std::vector<std::string>> source_names(const Config& config) {
  const Poco::StringTokenizer words(config.get("tokens.sources").value_or(""), ", ",
                                    Poco::StringTokenizer::TOK_IGNORE_EMPTY | Poco::StringTokenizer::TOK_TRIM);
  std::vector<std::string> names;
  for (const auto& name : words) {
    const bool known = std::ranges::find(kSources, name) != kSources.end();
    if (!known || std::ranges::find(names, name) != names.end())
      return Error{Errc::bad_input, "use the setting", "tokens.sources",
                   "'" + name + (known ? "' is there twice" : "' is no source of tokens"),
                   "some of " + Poco::cat(std::string(", "), kSources.begin(), kSources.end())};
    names.push_back(name);
  }
  return names;
}

std::vector<std::unique_ptr<TokenOrigin>> make_origins(const std::vector<std::string>& names, const Config& config,
                                                       TokenStore& store, const Clock& clock) {
  std::vector<std::unique_ptr<TokenOrigin>> origins;
  for (const auto& name : names) {
    if (name == "store") origins.push_back(stored_origin(store, TokenSlot::acquired, clock));
    if (name == "environment") origins.push_back(environment_origin(read_variable));
    if (name == "config") origins.push_back(config_file_origin(read_variable));
    if (name == "command") origins.push_back(fly_command_origin(fly_command(config), clock));
    if (name == "manual") origins.push_back(stored_origin(store, TokenSlot::manual, clock));
  }
  return origins;
}

std::unique_ptr<TokenStore> make_store(const Context& context) {
  const std::string name = context.config().get("tokens.store").value_or("");
  return std::make_unique<ConfiguredTokenStore>(name, [name, &context] { return open_store_named(name, context); });
}

}  // namespace midair::host::tokens
