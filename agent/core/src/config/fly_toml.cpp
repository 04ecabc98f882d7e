#include "config/tomlplusplus.h"

#include <cstdio>
#include <cstdlib>

#include "config/fly_node.h"

namespace midair {

namespace {

template <class... Arguments>
std::string formatted(const char* format, Arguments... arguments) {
  char text[80];
  std::snprintf(text, sizeof text, format, arguments...);
  return text;
}

std::string text_of(const toml::date& date) { return formatted("%04d-%02d-%02d", date.year, date.month, date.day); }

std::string text_of(const toml::time& time) {
  const std::string text = formatted("%02d:%02d:%02d", time.hour, time.minute, time.second);
  return time.nanosecond == 0 ? text : text + formatted(".%09u", time.nanosecond);
}

/// Without an offset as go-toml writes its own type, else as Go writes a time.Time: "2024-01-01 07:32:00.5 +0000 UTC".
std::string text_of(const toml::date_time& moment) {
  if (!moment.offset) return text_of(moment.date) + "T" + text_of(moment.time);
  std::string time = text_of(moment.time);
  if (moment.time.nanosecond != 0) time.erase(time.find_last_not_of('0') + 1);
  const int minutes = moment.offset->minutes;
  const std::string zone =
      formatted("%c%02d%02d", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
  return text_of(moment.date) + " " + time + " " + zone + " " + (minutes == 0 ? "UTC" : zone);
}

FlyNode scalar_of(const toml::node& from) {
  FlyNode node{FlyNode::Kind::scalar};
  if (const auto text = from.value_exact<std::string>()) {
    node = {FlyNode::Kind::text, *text};
  } else if (const auto integer = from.value_exact<std::int64_t>()) {
    node.text = std::to_string(*integer);
  } else if (const auto number = from.value_exact<double>()) {
    node.text = go_text(*number);
  } else if (const auto flag = from.value_exact<bool>()) {
    node.text = *flag ? "true" : "false";
  } else if (const auto date = from.value_exact<toml::date>()) {
    node.text = text_of(*date);
  } else if (const auto time = from.value_exact<toml::time>()) {
    node.text = text_of(*time);
  } else if (const auto moment = from.value_exact<toml::date_time>()) {
    node.text = text_of(*moment);
  }
  return node;
}

FlyNode node_of(const toml::node& from) {
  FlyNode node;
  if (const auto* table = from.as_table()) {
    node.kind = FlyNode::Kind::map;
    for (const auto& [key, value] : *table) node.members.emplace_back(key.str(), node_of(value));
  } else if (const auto* array = from.as_array()) {
    node.kind = FlyNode::Kind::list;
    for (const auto& item : *array) node.items.push_back(node_of(item));
  } else {
    node = scalar_of(from);
  }
  node.line = from.source().begin.line;
  return node;
}

}  // namespace

Result<FlyNode> parse_fly_toml(std::string_view text, const std::string& file) {
  try {
    return node_of(toml::parse(as_toml_1_0(text), file));
  } catch (const toml::parse_error& failure) {
    return unusable_config(file, failure.source().begin.line, "it is no TOML: " + std::string(failure.description()));
  }
}

}  // namespace midair
