#include "midair/config/fly_toml.h"

#include <toml++/toml.h>

#include <sstream>

#include "midair/durable_file.h"

namespace midair {

namespace {

constexpr std::uint64_t kMaxFileSize = 1 << 20;

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line);
}

Error unusable(std::string place, std::string cause) {
  return {Errc::bad_input, "use", std::move(place), std::move(cause)};
}

/// A string as it is, numbers and booleans as TOML writes them; nothing for everything else.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return text;
  if (!node.is_number() && !node.is_boolean()) return std::nullopt;
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

Result<FileValue> read_variable(const std::string& name, const toml::node& node, const std::string& file) {
  const std::string where = place(file, node.source());
  auto text = scalar_text(node);
  if (!text) return unusable(where, "[env] " + name + " must be a text, a number or a boolean");
  return FileValue{*std::move(text), where + " [env] " + name};
}

Result<void> read_env(const toml::table& env, const std::string& file, FlyToml& fly) {
  for (const auto& [key, node] : env) {
    const std::string name(key.str());
    MIDAIR_TRY_ASSIGN(fly.env[name], read_variable(name, node, file));
  }
  return {};
}

Result<FlyToml> read_document(const toml::table& document, const std::string& file) {
  FlyToml fly;
  if (const toml::node* app = document.get("app")) {
    const auto text = app->value_exact<std::string>();
    if (!text) return unusable(place(file, app->source()), "'app' must be a text");
    fly.app = FileValue{*text, place(file, app->source()) + " app"};
  }
  if (const toml::node* env = document.get("env")) {
    if (!env->is_table()) return unusable(place(file, env->source()), "'env' must be a table");
    MIDAIR_TRY(read_env(*env->as_table(), file, fly));
  }
  return fly;
}

}  // namespace

Result<FlyToml> read_fly_toml(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const std::string text, read_file(path, kMaxFileSize));
  try {
    return read_document(toml::parse(text, path.string()), path.string());
  } catch (const toml::parse_error& failure) {
    return unusable(place(path.string(), failure.source()), "it is no TOML: " + std::string(failure.description()));
  }
}

}  // namespace midair
