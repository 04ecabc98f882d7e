#include "config/settings.h"

#include <charconv>

#include "midair/duration.h"
#include "midair/log.h"
#include "midair/store/tigris.h"

namespace midair::host {

namespace {

Error no_value(std::string cause, std::string hint = {}) {
  return {Errc::bad_input, {}, {}, std::move(cause), std::move(hint)};
}

bool is_integer(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size();
}

}  // namespace

const std::vector<SettingSpec>& core_settings() {
  static const std::vector<SettingSpec> settings{
      {"app", OptionKind::text, "the app's name on Fly.io", {"FLY_APP_NAME"}},
      {"store", OptionKind::text, "s3://BUCKET[/PREFIX] or file:///DIR", {"MIDAIR_STORE", "BUCKET_NAME", "AWS_BUCKET"}},
      {"endpoint", OptionKind::text, "URL of the S3 server", {"AWS_ENDPOINT_URL_S3"}, kDefaultS3Endpoint},
      {"region", OptionKind::text, "S3 region", {"AWS_REGION"}, "auto"},
      {"access_key_id", OptionKind::text, "S3 access key", {"AWS_ACCESS_KEY_ID"}},
      {"secret_access_key", OptionKind::text, "S3 secret key", {"AWS_SECRET_ACCESS_KEY"}, {}, true},
      {"session_token", OptionKind::text, "token of temporary S3 credentials", {"AWS_SESSION_TOKEN"}, {}, true},
      {"access_key_id_from",
       OptionKind::text,
       "variable to read access_key_id from, instead of AWS_ACCESS_KEY_ID",
       {"MIDAIR_ACCESS_KEY_ID_FROM"}},
      {"secret_access_key_from",
       OptionKind::text,
       "variable to read secret_access_key from, instead of AWS_SECRET_ACCESS_KEY",
       {"MIDAIR_SECRET_ACCESS_KEY_FROM"}},
      {"path_style",
       OptionKind::flag,
       "put the bucket into the path instead of the host name",
       {"MIDAIR_S3_PATH_STYLE"}},
      {"ca_file", OptionKind::text, "PEM file of extra root certificates", {"MIDAIR_CA_FILE"}},
      {"image_ref", OptionKind::text, "the base image that an upgrade applies to", {"FLY_IMAGE_REF"}},
      {"log_level", OptionKind::text, "error, warning, notice, info or debug", {"MIDAIR_LOG_LEVEL"}, "warning"},
  };
  return settings;
}

SettingTable::SettingTable() : specs_(core_settings()) {}

Result<void> SettingTable::add(SettingSpec spec) {
  if (find(spec.key) != nullptr)
    return Error{Errc::refused, "declare the setting", spec.key, "another plugin or midair itself declares it"};
  specs_.push_back(std::move(spec));
  return {};
}

const SettingSpec* SettingTable::find(const std::string& key) const {
  for (const auto& spec : specs_)
    if (spec.key == key) return &spec;
  return nullptr;
}

std::vector<std::string> SettingTable::keys() const {
  std::vector<std::string> keys;
  for (const auto& spec : specs_) keys.push_back(spec.key);
  return keys;
}

Result<void> check_value(OptionKind kind, const std::string& text) {
  switch (kind) {
    case OptionKind::flag:
      if (text == "true" || text == "false") return {};
      return no_value("'" + text + "' is neither true nor false");
    case OptionKind::integer:
      if (is_integer(text)) return {};
      return no_value("'" + text + "' is no integer");
    case OptionKind::duration:
      if (parse_duration(text).ok()) return {};
      return no_value("'" + text + "' is no duration", "a duration such as 200ms, 10s, 5m or 24h");
    case OptionKind::text: return {};
  }
  return {};
}

Result<void> check_setting(const SettingSpec& spec, const std::string& text) {
  if (spec.key == "log_level") {
    LogLevel level{};
    if (!parse_log_level(text, level)) return no_value("'" + text + "' is no log level", spec.help);
  }
  if (spec.key == "store" && !text.starts_with("s3://") && !text.starts_with("file:///"))
    return no_value("'" + text + "' is no store", spec.help);
  return check_value(spec.kind, text);
}

}  // namespace midair::host
