#include "release/entry_names.h"

#include <algorithm>

#include "midair/foreign_text.h"

namespace midair {

namespace {

constexpr std::size_t kLongestComponent = 255;
constexpr std::size_t kLongestName = 1024;

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._@+-").find(c) != std::string_view::npos;
}

/// The rule that `component` breaks, or an empty text.
std::string broken_rule(std::string_view component) {
  if (component.empty()) return "it has an empty component";
  if (component == "." || component == "..") return "it has a '" + std::string(component) + "' component";
  if (component.size() > kLongestComponent) return "it has a component of more than 255 bytes";
  const auto bad = std::find_if_not(component.begin(), component.end(), is_allowed);
  if (bad == component.end()) return {};
  return "it has the character '" + printable(std::string_view(bad, bad + 1)) +
         "', and only A-Z a-z 0-9 . _ @ + - are allowed";
}

std::string broken_rule_of_name(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kLongestName) return "it is longer than 1024 bytes";
  if (name.front() == '/') return "it is absolute";
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    if (std::string rule = broken_rule(name.substr(start, end - start)); !rule.empty()) return rule;
    start = end + 1;
  }
  return {};
}

/// Folds case, and puts '/' before every other byte so that a file sorts right before what would lie below it.
unsigned char fold(char c) {
  if (c == '/') return 0;
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return static_cast<unsigned char>(c);
}

bool sorts_before(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return fold(x) < fold(y); });
}

Error clash(const std::string& name, const std::string& problem) {
  return {Errc::refused, "accept the name", "'" + printable(name) + "'", problem};
}

/// `a` and `b` are neighbours in the order of sorts_before().
Result<void> check_neighbours(const std::string& a, const std::string& b) {
  if (a == b) return clash(a, "it is listed twice");
  const auto [a_end, b_end] =
      std::mismatch(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return fold(x) == fold(y); });
  if (a_end == a.end() && b_end == b.end()) return clash(a, "it differs from '" + b + "' only by case");
  if (a_end == a.end() && *b_end == '/') return clash(a, "it is a file and, in '" + b + "', a directory");
  const std::size_t common = static_cast<std::size_t>(a_end - a.begin());
  const std::size_t directory = std::string_view(a).substr(0, common).rfind('/');
  if (directory != std::string_view::npos && a.compare(0, directory, b, 0, directory) != 0)
    return clash(a, "its directory differs from that of '" + b + "' only by case");
  return {};
}

}  // namespace

Result<void> check_entry_name(std::string_view name) {
  const std::string rule = broken_rule_of_name(name);
  if (rule.empty()) return {};
  return Error{Errc::refused, "accept the name", "'" + printable(name) + "'", rule};
}

Result<void> check_entry_names_together(const std::vector<ManifestFile>& files) {
  const std::string manifest(kManifestName);
  std::vector<const std::string*> names{&manifest};
  names.reserve(files.size() + 1);
  for (const ManifestFile& file : files) names.push_back(&file.path);
  std::sort(names.begin(), names.end(),
            [](const std::string* a, const std::string* b) { return sorts_before(*a, *b); });
  for (std::size_t i = 1; i < names.size(); ++i) MIDAIR_TRY(check_neighbours(*names[i - 1], *names[i]));
  return {};
}

}  // namespace midair
