#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "midair/durable_file.h"
#include "token_origin.h"

namespace midair::host::tokens {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxFileSize = 4 << 20;
constexpr std::chrono::seconds kReuse{15};  // how often flyctl's own agent reads the file again

class ConfigFileOrigin final : public TokenOrigin {
 public:
  explicit ConfigFileOrigin(ReadVariable environment) : environment_(std::move(environment)) {}

  Result<FoundToken> find(const std::string& /*app*/, const CallLimits& /*limits*/) override {
    const auto path = place();
    if (!path) return Error{Errc::not_found, "find", "flyctl's config.yml", "neither FLY_CONFIG_DIR nor HOME is set"};
    const auto text = read_file(*path, kMaxFileSize);
    if (!text.ok()) return text.error();
    MIDAIR_TRY_ASSIGN(const std::string access_token, access_token_in(*text, *path));
    MIDAIR_TRY_ASSIGN(auto token, parse_token(access_token, path->string()));
    return FoundToken{std::move(token), kReuse};
  }

  [[nodiscard]] std::string name() const override { return "config"; }

 private:
  [[nodiscard]] std::optional<fs::path> place() const {
    if (const auto directory = environment_("FLY_CONFIG_DIR")) return fs::path(*directory) / "config.yml";
    if (const auto home = environment_("HOME")) return fs::path(*home) / ".fly/config.yml";
    return std::nullopt;
  }

  static Result<std::string> access_token_in(const std::string& text, const fs::path& path) {
    try {
      const YAML::Node document = YAML::Load(text);
      if (document.IsMap())
        if (const auto token = document["access_token"]; token && token.IsScalar() && !token.Scalar().empty())
          return token.Scalar();
    } catch (const YAML::Exception& failure) {  // its message may quote the file; its line says enough
      return Error{Errc::corrupt, "use", path.string() + ":" + std::to_string(failure.mark.line + 1), "it is no YAML",
                   "fly auth login"};
    }
    return Error{Errc::not_found, "use", path.string(), "it has no access_token", "fly auth login"};
  }

  const ReadVariable environment_;
};

}  // namespace

std::unique_ptr<TokenOrigin> config_file_origin(ReadVariable environment) {
  return std::make_unique<ConfigFileOrigin>(std::move(environment));
}

}  // namespace midair::host::tokens
