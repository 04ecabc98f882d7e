#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include "config/fly_node.h"
#include "midair/json/json.h"

namespace midair {

namespace {

constexpr std::uint64_t kMaxText = 1 << 20;

FlyNode node_of(const Poco::Dynamic::Var& from) {
  FlyNode node;
  if (from.isEmpty()) return node;
  if (from.type() == typeid(Poco::JSON::Object::Ptr)) {
    node.kind = FlyNode::Kind::map;
    for (const auto& [name, value] : *from.extract<Poco::JSON::Object::Ptr>())
      node.members.emplace_back(name, node_of(value));
  } else if (from.type() == typeid(Poco::JSON::Array::Ptr)) {
    node.kind = FlyNode::Kind::list;
    for (const auto& item : *from.extract<Poco::JSON::Array::Ptr>()) node.items.push_back(node_of(item));
  } else if (from.isString()) {
    node = {FlyNode::Kind::text, from.toString()};
  } else if (from.isBoolean()) {
    node = {FlyNode::Kind::scalar, from.convert<bool>() ? "true" : "false"};
  } else {
    node = {FlyNode::Kind::scalar, go_text(from.convert<double>())};  // flyctl reads every number as a double
  }
  return node;
}

}  // namespace

Result<FlyNode> parse_fly_json(std::string_view text, const std::string& file) {
  const auto object = parse_json_object(std::string(text), file, kMaxText);
  if (!object.ok()) return unusable_config(file, 0, object.error().cause);
  return node_of(*object);
}

}  // namespace midair
