#include "release/entry_names.h"

#include <algorithm>

#include "midair/foreign_text.h"
#include "utf8.h"

namespace midair {

namespace {

constexpr std::size_t kLongestComponent = 255;
/// Before it stands the state directory, and a path may have 4,095 bytes.
constexpr std::size_t kLongestName = 3072;

/// Control characters of ASCII, and those beyond it: U+0080 to U+009F are C2 80 to C2 9F.
bool begins_with_control(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x20 || first == 0x7F) return true;
  return first == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
}

/// The rule that `component` breaks, or an empty text.
std::string broken_rule(std::string_view component) {
  if (component.empty()) return "it has an empty component";
  if (component == "." || component == "..") return "it has a '" + std::string(component) + "' component";
  if (component.size() > kLongestComponent) return "it has a component of more than 255 bytes";
  return broken_rule_of_text(component);
}

std::string broken_rule_of_name(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kLongestName) return "it is longer than 3072 bytes";
  if (name.front() == '/') return "it is absolute";
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    if (std::string rule = broken_rule(name.substr(start, end - start)); !rule.empty()) return rule;
    start = end + 1;
  }
  return {};
}

/// Puts '/' before every other byte, so that a file sorts right before what would lie below it.
unsigned char rank(char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); }

/// The same without regard to case.
unsigned char rank_folded(char c) { return rank(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c); }

struct NamedEntry {
  std::string_view name;
  bool is_directory;
};

std::vector<NamedEntry> entries_of(const Manifest& manifest) {
  std::vector<NamedEntry> entries{{kManifestName, false}};
  entries.reserve(manifest.entries() + 1);
  for (const ManifestFile& file : manifest.files) entries.push_back({file.path, false});
  for (const ManifestDirectory& directory : manifest.directories) entries.push_back({directory.path, true});
  for (const ManifestLink& link : manifest.links) entries.push_back({link.path, false});
  return entries;
}

void sort_by(std::vector<NamedEntry>& entries, unsigned char (*rank_of)(char)) {
  std::ranges::sort(entries, [rank_of](const NamedEntry& a, const NamedEntry& b) {
    return std::ranges::lexicographical_compare(a.name, b.name, {}, rank_of, rank_of);
  });
}

Error clash(std::string_view name, const std::string& problem) {
  return {Errc::refused, "accept the name", "'" + printable(name) + "'", problem};
}

/// Neighbours in the order of rank().
Result<void> check_neighbours(const NamedEntry& a, const NamedEntry& b) {
  if (a.name == b.name) return clash(a.name, "it is listed twice");
  if (!a.is_directory && b.name.size() > a.name.size() && b.name.starts_with(a.name) && b.name[a.name.size()] == '/')
    return clash(a.name, "it is a file and, in '" + printable(b.name) + "', a directory");
  return {};
}

bool is_plain(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-/").find(c) != std::string_view::npos;
  });
}

/// Neighbours in the order of rank_folded().
bool are_twins(std::string_view a, std::string_view b) {
  const auto [a_end, b_end] = std::ranges::mismatch(a, b, {}, rank_folded, rank_folded);
  if (a_end == a.end() && b_end == b.end()) return true;
  const std::size_t common = static_cast<std::size_t>(a_end - a.begin());
  const bool below = a_end == a.end() && *b_end == '/';
  const std::size_t directory = below ? common : a.substr(0, common).rfind('/');
  return directory != std::string_view::npos && a.substr(0, directory) != b.substr(0, directory);
}

}  // namespace

std::string broken_rule_of_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return "it has the byte '" + printable(text.substr(0, 1)) + "', which is not UTF-8";
    if (begins_with_control(text)) return "it has the control character '" + printable(text.substr(0, length)) + "'";
    text.remove_prefix(length);
  }
  return {};
}

Result<void> check_entry_name(std::string_view name) {
  const std::string rule = broken_rule_of_name(name);
  if (rule.empty()) return {};
  return Error{Errc::refused, "accept the name", "'" + printable(name) + "'", rule};
}

Result<void> check_entry_names_together(const Manifest& manifest) {
  std::vector<NamedEntry> entries = entries_of(manifest);
  sort_by(entries, rank);
  for (std::size_t i = 1; i < entries.size(); ++i) MIDAIR_TRY(check_neighbours(entries[i - 1], entries[i]));
  return {};
}

bool are_plain_names(const Manifest& manifest) {
  std::vector<NamedEntry> entries = entries_of(manifest);
  if (!std::ranges::all_of(entries, is_plain, &NamedEntry::name)) return false;
  sort_by(entries, rank_folded);
  return std::ranges::adjacent_find(entries, are_twins, &NamedEntry::name) == entries.end();
}

}  // namespace midair
