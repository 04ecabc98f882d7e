#include "config/fly_node.h"

#include <utility>

namespace midair {

const FlyNode* member_of(const FlyNode& map, std::string_view key) {
  for (const auto& [name, value] : map.members)
    if (name == key) return &value;
  return nullptr;
}

std::string place_in(const std::string& file, std::size_t line) {
  return line == 0 ? file : file + ":" + std::to_string(line);
}

Error unusable_config(const std::string& file, std::size_t line, std::string cause) {
  return {Errc::bad_input, "use", place_in(file, line), std::move(cause)};
}

}  // namespace midair
