#include "midair/foreign_text.h"
#include "midair/json/json.h"

namespace midair {

using Poco::Dynamic::Var;

namespace {

// Poco's own predicates call a boolean an integer and a number.
bool is_number(const Var& value) { return value.isNumeric() && !value.isBoolean(); }
bool is_string(const Var& value) { return value.isString(); }
bool is_boolean(const Var& value) { return value.isBoolean(); }
bool is_object(const Var& value) { return value.type() == typeid(Poco::JSON::Object::Ptr); }
bool is_array(const Var& value) { return value.type() == typeid(Poco::JSON::Array::Ptr); }
bool is_unsigned(const Var& value) {
  return is_number(value) && value.isInteger() && (!value.isSigned() || value.convert<Poco::Int64>() >= 0);
}

}  // namespace

JsonReader::JsonReader(const Poco::JSON::Object& object, std::string subject)
    : object_(object), subject_(std::move(subject)) {}

Var JsonReader::field(const std::string& key, bool (*has_type)(const Var&), const char* type) {
  const Var value = object_.get(key);
  if (value.isEmpty() || has_type(value)) return value;
  complain("field '" + printable(key) + "' is not " + type);
  return {};
}

void JsonReader::require(const std::string& key) {
  if (object_.isNull(key)) complain("field '" + printable(key) + "' is missing");
}

std::string JsonReader::string(const std::string& key) {
  require(key);
  return optional_string(key);
}

std::uint64_t JsonReader::unsigned_integer(const std::string& key) {
  require(key);
  return optional_unsigned(key).value_or(0);
}

bool JsonReader::boolean(const std::string& key) {
  require(key);
  return optional_boolean(key, false);
}

std::string JsonReader::optional_string(const std::string& key, const std::string& fallback) {
  const Var value = field(key, is_string, "a string");
  return value.isEmpty() ? fallback : value.extract<std::string>();
}

std::optional<std::uint64_t> JsonReader::optional_unsigned(const std::string& key) {
  const Var value = field(key, is_unsigned, "an integer from 0");
  if (value.isEmpty()) return std::nullopt;
  return value.convert<Poco::UInt64>();
}

std::optional<double> JsonReader::optional_number(const std::string& key) {
  const Var value = field(key, is_number, "a number");
  if (value.isEmpty()) return std::nullopt;
  return value.convert<double>();
}

bool JsonReader::optional_boolean(const std::string& key, bool fallback) {
  const Var value = field(key, is_boolean, "true or false");
  return value.isEmpty() ? fallback : value.extract<bool>();
}

std::vector<std::string> JsonReader::optional_strings(const std::string& key) {
  std::vector<std::string> strings;
  const auto array = optional_array(key);
  if (!array) return strings;
  for (const Var& element : *array) {
    if (element.isString())
      strings.push_back(element.extract<std::string>());
    else
      complain("field '" + printable(key) + "' has an element that is not a string");
  }
  return strings;
}

Poco::JSON::Object::Ptr JsonReader::optional_object(const std::string& key) {
  const Var value = field(key, is_object, "an object");
  return value.isEmpty() ? nullptr : value.extract<Poco::JSON::Object::Ptr>();
}

Poco::JSON::Array::Ptr JsonReader::optional_array(const std::string& key) {
  const Var value = field(key, is_array, "an array");
  return value.isEmpty() ? nullptr : value.extract<Poco::JSON::Array::Ptr>();
}

void JsonReader::complain(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

Result<void> JsonReader::finish() const {
  if (problem_.empty()) return {};
  return Error{Errc::corrupt, "read", subject_, problem_};
}

}  // namespace midair
