#include "release/pax.h"

#include <charconv>

#include "midair/foreign_text.h"

namespace midair {

namespace {

constexpr std::string_view kHint = "pack it with midair, or with GNU tar --format=ustar";

/// "LENGTH KEY=VALUE\n", where the length counts itself too.
std::string record_of(std::string_view key, const std::optional<std::string>& value) {
  if (!value) return {};
  const std::string rest = " " + std::string(key) + "=" + *value + "\n";
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

Error corrupt(const std::string& cause) {
  return {Errc::corrupt, "unpack", "the tarball", "a pax extended header in it " + cause};
}

/// Cuts the first record off `content`: "KEY=VALUE".
Result<std::string_view> cut_record(std::string_view& content) {
  std::size_t length = 0;
  const auto [end, problem] = std::from_chars(content.data(), content.data() + content.size(), length);
  const auto digits = static_cast<std::size_t>(end - content.data());
  const bool fits = problem == std::errc() && content.front() != '0' && length <= content.size() &&
                    digits + 2 < length && content[digits] == ' ' && content[length - 1] == '\n';
  if (!fits) return corrupt("has a record of another length than it says");
  const std::string_view record = content.substr(digits + 1, length - digits - 2);
  content.remove_prefix(length);
  return record;
}

}  // namespace

std::string encode_pax(const PaxRecords& records) {
  return record_of("linkpath", records.linkpath) + record_of("path", records.path);
}

Result<PaxRecords> decode_pax(std::string_view content) {
  PaxRecords records;
  while (!content.empty()) {
    MIDAIR_TRY_ASSIGN(const std::string_view record, cut_record(content));
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return corrupt("has a record without a value");
    const std::string_view key = record.substr(0, equals);
    auto* const value = key == "path" ? &records.path : key == "linkpath" ? &records.linkpath : nullptr;
    if (value == nullptr)
      return Error{Errc::refused, "unpack", "the tarball",
                   "a pax extended header in it has the record '" + printable(key) + "'", std::string(kHint)};
    if (*value) return corrupt("has the record '" + std::string(key) + "' twice");
    *value = record.substr(equals + 1);
    if ((*value)->find('\0') != std::string::npos) return corrupt("has a NUL byte in its '" + std::string(key) + "'");
  }
  return records;
}

}  // namespace midair
