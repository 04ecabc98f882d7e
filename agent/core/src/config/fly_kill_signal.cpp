#include "midair/config/fly_kill_signal.h"

#include "config/fly_node.h"
#include "midair/durable_file.h"

namespace midair {

Result<std::string> fly_kill_signal(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const std::string text, read_file(path, kMaxFlyConfig));
  MIDAIR_TRY_ASSIGN(const FlyNode document, parse_fly_toml(text, path.string()));
  const FlyNode* signal = member_of(document, "kill_signal");
  return signal != nullptr && signal->kind == FlyNode::Kind::text ? signal->text : std::string();
}

}  // namespace midair
