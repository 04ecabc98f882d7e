#include "hooks/hook_message.h"

#include "midair/json/json.h"

namespace midair::sidecar {

namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

Array::Ptr to_array(const std::vector<Poco::Dynamic::Var>& values) {
  Array::Ptr array = new Array;
  for (const auto& value : values) array->add(value);
  return array;
}

std::vector<Poco::Dynamic::Var> from_array(const Array::Ptr& array) {
  std::vector<Poco::Dynamic::Var> values;
  for (std::size_t i = 0; array && i < array->size(); ++i) values.push_back(array->get(static_cast<unsigned>(i)));
  return values;
}

}  // namespace

std::string format_hook_call(const HookCall& call) {
  Object json;
  json.set("script", call.script);
  json.set("function", call.function);
  json.set("only_look", call.only_look);
  json.set("arguments", to_array(call.arguments));
  json.set("machine", call.machine);
  json.set("state_in", call.state_in);
  json.set("state_out", call.state_out);
  return to_canonical_json(json);
}

Result<HookCall> parse_hook_call(std::string_view text) {
  MIDAIR_TRY_ASSIGN(const auto json, parse_json_object(text, "the hook call", kMaxHookAnswer));
  JsonReader reader(*json, "the hook call");
  HookCall call;
  call.script = reader.string("script");
  call.function = reader.string("function");
  call.only_look = reader.optional_boolean("only_look", false);
  call.arguments = from_array(reader.optional_array("arguments"));
  call.machine = json->get("machine");
  call.state_in = reader.optional_string("state_in");
  call.state_out = reader.optional_string("state_out");
  MIDAIR_TRY(reader.finish());
  return call;
}

std::string format_hook_line(const HookLine& line) {
  Object json;
  if (line.log)
    json.set("log", *line.log);
  else if (line.failed)
    json.set("failed", *line.failed);
  else if (line.missing)
    json.set("missing", true);
  else
    json.set("returned", to_array(line.returned));
  return to_canonical_json(json) + '\n';
}

Result<HookLine> parse_hook_line(std::string_view text) {
  MIDAIR_TRY_ASSIGN(const auto json, parse_json_object(text, "the hook's answer", kMaxHookAnswer));
  JsonReader reader(*json, "the hook's answer");
  HookLine line;
  if (json->has("log")) line.log = reader.string("log");
  if (json->has("failed")) line.failed = reader.string("failed");
  line.missing = reader.optional_boolean("missing", false);
  line.returned = from_array(reader.optional_array("returned"));
  MIDAIR_TRY(reader.finish());
  return line;
}

}  // namespace midair::sidecar
