#include <unistd.h>

#include <Poco/Path.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "midair/host/run_command.h"
#include "midair/json/json.h"
#include "midair/redact.h"
#include "token_origin.h"

namespace midair::host::tokens {

namespace {

constexpr std::chrono::hours kLife{24};
constexpr std::size_t kMaxOutput = 256 << 10;  // bytes

/// Variables that are secrets though redact() can't tell, and those that would hide flyctl's login from flyctl.
constexpr std::array<std::string_view, 6> kWithheld{
    "FLY_ACCESS_TOKEN=",  "FLY_API_TOKEN=", "AWS_SECRET_ACCESS_KEY=",
    "AWS_SESSION_TOKEN=", "PGPASSWORD=",    "MIDAIR_TOKENS_POSTGRESQL="};

/// Our environment without secrets: that of a process can be read by all others of its user.
std::vector<std::string> harmless_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto withheld = [&](std::string_view name) { return text.starts_with(name); };
    if (std::ranges::none_of(kWithheld, withheld) && redact(text) == text) environment.push_back(text);
  }
  return environment;
}

Result<std::string> find_program(const std::string& configured) {
  if (configured.find('/') != std::string::npos) return configured;
  const char* path = std::getenv("PATH");
  const std::string places = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  const auto names = configured.empty() ? std::vector<std::string>{"fly", "flyctl"} : std::vector{configured};
  for (const auto& name : names)
    if (Poco::Path found; Poco::Path::find(places, name, found)) return found.makeAbsolute().toString();
  return Error{Errc::not_found, "find", configured.empty() ? "flyctl" : configured,
               "there is no " + (configured.empty() ? std::string("'fly' or 'flyctl'") : "'" + configured + "'") +
                   " on the PATH"};
}

/// The first line that says what went wrong, without escape sequences for a terminal.
std::string complaint_in(const std::string& err) {
  std::string line;
  for (std::size_t start = 0; start < err.size() && line.empty();) {
    const std::size_t end = std::min(err.find('\n', start), err.size());
    line = err.substr(start, end - start);
    std::erase_if(line, [](unsigned char c) { return c < 0x20 || c >= 0x7f; });
    start = end + 1;
  }
  return redact(line.substr(0, 200));
}

class FlyCommandOrigin final : public TokenOrigin {
 public:
  FlyCommandOrigin(FlyCommand settings, const Clock& clock) : settings_(std::move(settings)), clock_(clock) {}

  Result<FoundToken> find(const std::string& /*app*/, const CallLimits& limits) override {
    MIDAIR_TRY_ASSIGN(const std::string program, find_program(settings_.program));
    Command command{{program, "tokens", "create", "readonly", "-x", "24h", "--json"}, harmless_environment()};
    if (!settings_.organization.empty()) command.argv.insert(command.argv.end(), {"--org", settings_.organization});
    const WallTime expires_at = clock_.wall() + kLife;  // by a clock read before, so never too late
    MIDAIR_TRY_ASSIGN(const auto output,
                      run_command(command, {std::min(limits.deadline, settings_.time_limit), limits.stop}, kMaxOutput));
    if (output.status != 0)
      return Error{Errc::unavailable, "mint a token with", program,
                   "it ended with status " + std::to_string(output.status) + ": " + complaint_in(output.err),
                   "fly auth login"};
    MIDAIR_TRY_ASSIGN(auto token, token_in(output.out, program));
    token.expires_at = expires_at;
    return FoundToken{std::move(token), kLife};
  }

  [[nodiscard]] std::string name() const override { return "command"; }
  [[nodiscard]] bool mints() const override { return true; }

 private:
  static Result<ApiToken> token_in(const std::string& out, const std::string& program) {
    MIDAIR_TRY_ASSIGN(const auto answer, parse_json_object(out, "the answer of " + program, kMaxOutput));
    JsonReader reader(*answer, "the answer of " + program);
    const std::string text = reader.string("token");
    MIDAIR_TRY(reader.finish());
    return parse_token(text, "fly tokens create");
  }

  const FlyCommand settings_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<TokenOrigin> fly_command_origin(FlyCommand settings, const Clock& clock) {
  return std::make_unique<FlyCommandOrigin>(std::move(settings), clock);
}

}  // namespace midair::host::tokens
