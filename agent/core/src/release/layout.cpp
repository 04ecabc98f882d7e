#include "midair/release/layout.h"

#include <cstdio>

#include <array>

#include "midair/digest.h"
#include "midair/foreign_text.h"

namespace midair {

namespace {

constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

std::string charset(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const auto part : parts) all += part;
  return all;
}

bool consists_of(std::string_view text, const std::string& allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// 1 to `longest` of `allowed`, beginning with one of `first`.
bool is_name(std::string_view text, std::size_t longest, const std::string& first, const std::string& allowed) {
  return !text.empty() && text.size() <= longest && consists_of(text.substr(0, 1), first) && consists_of(text, allowed);
}

Error bad_name(const char* what, std::string_view name, const char* rule) {
  return {Errc::bad_input, std::string("use the ") + what, "'" + printable(name) + "'", rule};
}

}  // namespace

std::string StoreLayout::tarball(std::string_view version) const {
  return tarball_prefix() + std::string(version) + ".tar.gz";
}
std::string StoreLayout::tarball_prefix() const { return "releases/" + app + "-"; }
std::string StoreLayout::pointer() const { return tarball_prefix() + "current.json"; }
std::string StoreLayout::lock() const { return tarball_prefix() + "deploy.lock"; }

std::string StoreLayout::results_prefix() const { return tarball_prefix() + "results/"; }
std::string StoreLayout::results_prefix(std::string_view upgrade_id) const {
  return results_prefix() + std::string(upgrade_id) + "/";
}
std::string StoreLayout::result(std::string_view upgrade_id, std::string_view machine_id) const {
  return results_prefix(upgrade_id) + std::string(machine_id) + ".json";
}

std::string StoreLayout::machines_prefix() const { return tarball_prefix() + "machines/"; }
std::string StoreLayout::machine(std::string_view machine_id) const {
  return machines_prefix() + std::string(machine_id) + ".json";
}

std::string StoreLayout::history_prefix() const { return tarball_prefix() + "history/"; }
std::string StoreLayout::history(std::uint64_t sequence) const {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "%012llu.json", static_cast<unsigned long long>(sequence));
  return history_prefix() + name.data();
}

Result<void> check_app_name(std::string_view app) {
  if (is_name(app, 63, charset({kLower, kDigits}), charset({kLower, kDigits, "_-"}))) return {};
  return bad_name("app name", app, "it must be 1 to 63 of a-z, 0-9, '_' and '-', and start with a letter or digit");
}

Result<void> check_version(std::string_view version) {
  if (version == "current") return bad_name("version", version, "that name is taken by the pointer");
  if (is_name(version, 64, charset({kLower, kUpper, kDigits}), charset({kLower, kUpper, kDigits, "._+-"}))) return {};
  return bad_name("version", version,
                  "it must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', '+' and '-', and start with a letter or digit");
}

Result<void> check_machine_id(std::string_view machine_id) {
  const std::string allowed = charset({kLower, kUpper, kDigits, "_-"});
  if (is_name(machine_id, 64, allowed, allowed)) return {};
  return bad_name("machine id", machine_id, "it must be 1 to 64 of A-Z, a-z, 0-9, '_' and '-'");
}

std::string upgrade_id_of(std::string_view hot_ref) {
  constexpr std::string_view kMark = "deployment-";
  const std::string allowed = charset({kUpper, kDigits});
  for (auto at = hot_ref.find(kMark); at != std::string_view::npos; at = hot_ref.find(kMark, at + 1)) {
    const std::string_view rest = hot_ref.substr(at + kMark.size());
    const std::string_view id = rest.substr(0, rest.find_first_not_of(allowed));
    if (!id.empty()) return std::string(id);
  }
  return sha256_hex(hot_ref).substr(0, 16);
}

}  // namespace midair
