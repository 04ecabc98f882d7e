#include "midair/config/fly_config.h"

#include "config/fly_node.h"
#include "midair/durable_file.h"

namespace midair {

namespace {

Result<void> take_env(const FlyNode& env, const std::string& file, FlyConfig& config) {
  if (env.kind == FlyNode::Kind::none) return {};
  if (env.kind != FlyNode::Kind::map) return unusable_config(file, env.line, "'env' must be a table");
  for (const auto& [name, value] : env.members)
    config.env[name] = FileValue{go_text(value), place_in(file, value.line) + " [env] " + name};
  return {};
}

Result<FlyConfig> config_of(const FlyNode& document, const std::string& file) {
  FlyConfig config;
  if (const FlyNode* app = member_of(document, "app");
      app != nullptr && app->kind == FlyNode::Kind::text && !app->text.empty())
    config.app = FileValue{app->text, place_in(file, app->line) + " app"};
  const FlyNode* env = member_of(document, "env");
  if (env != nullptr && env->kind == FlyNode::Kind::list) {
    for (const FlyNode& table : env->items) MIDAIR_TRY(take_env(table, file, config));
  } else if (env != nullptr) {
    MIDAIR_TRY(take_env(*env, file, config));
  }
  std::erase_if(config.env, [](const auto& entry) { return entry.second.text.empty(); });
  return config;
}

Result<FlyNode> parse(const std::string& text, const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (extension == ".json") return parse_fly_json(text, path.string());
  if (extension == ".yaml" || extension == ".yml") return parse_fly_yaml(text, path.string());
  return parse_fly_toml(text, path.string());
}

}  // namespace

Result<FlyConfig> read_fly_config(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const std::string text, read_file(path, kMaxFlyConfig));
  MIDAIR_TRY_ASSIGN(const FlyNode document, parse(text, path));
  return config_of(document, path.string());
}

}  // namespace midair
