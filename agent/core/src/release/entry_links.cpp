#include "release/entry_links.h"

#include <algorithm>
#include <deque>
#include <string_view>

#include "midair/foreign_text.h"
#include "release/entry_names.h"

namespace midair {

namespace {

constexpr std::size_t kLongestTarget = 4095;

enum class Kind { nothing, file, directory, link };

/// The first entry of a sorted list whose path is not before `path`.
template <class Entry>
auto first_from(const std::vector<Entry>& entries, const std::string& path) {
  return std::ranges::lower_bound(entries, path, {}, &Entry::path);
}

template <class Entry>
bool has(const std::vector<Entry>& entries, const std::string& path) {
  const auto found = first_from(entries, path);
  return found != entries.end() && found->path == path;
}

template <class Entry>
bool has_below(const std::vector<Entry>& entries, const std::string& path) {
  const auto found = first_from(entries, path + "/");
  return found != entries.end() && found->path.starts_with(path + "/");
}

Kind kind_of(const Manifest& manifest, const std::string& path) {
  if (has(manifest.links, path)) return Kind::link;
  if (has(manifest.files, path) || path == kManifestName) return Kind::file;
  return has_directory(manifest, path) ? Kind::directory : Kind::nothing;
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    parts.emplace_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// Goes where a link leads, as the kernel would.
class Walk {
 public:
  Walk(const Manifest& manifest, const ManifestLink& link) : manifest_(manifest), where_(split(link.path)) {
    where_.pop_back();
    follow(link.target);
  }

  /// The problem met on the way, or an empty text.
  std::string run() {
    while (!ahead_.empty()) {
      const std::string part = std::move(ahead_.front());
      ahead_.pop_front();
      if (std::string problem = step(part); !problem.empty()) return problem;
    }
    return {};
  }

 private:
  void follow(const std::string& target) {
    const std::vector<std::string> parts = split(target);
    ahead_.insert(ahead_.begin(), parts.begin(), parts.end());
  }

  std::string step(const std::string& part) {
    if (part.empty() || part == ".") return stands_on_file_ ? "it leads through a file" : "";
    if (stands_on_file_) return "it leads through a file";
    if (part != "..") return enter(part);
    if (where_.empty()) return "it leads out of the release";
    where_.pop_back();
    return {};
  }

  std::string enter(const std::string& part) {
    where_.push_back(part);
    const std::string path = here();
    switch (kind_of(manifest_, path)) {
      case Kind::nothing: return "it leads to '" + printable(path) + "', which the release does not have";
      case Kind::file: stands_on_file_ = true; return {};
      case Kind::directory: return {};
      case Kind::link: break;
    }
    where_.pop_back();
    return enter_link(path, first_from(manifest_.links, path)->target);
  }

  std::string enter_link(const std::string& path, const std::string& target) {
    if (++hops_ > kMaxLinkHops)
      return "it leads in a loop, or over more than " + std::to_string(kMaxLinkHops) + " other links";
    if (!target.starts_with('/')) return follow(target), std::string();
    if (!ahead_.empty()) return "it leads out of the release by the link '" + printable(path) + "'";
    return {};  // that link is judged by itself
  }

  [[nodiscard]] std::string here() const {
    std::string path;
    for (const std::string& part : where_) path += (path.empty() ? "" : "/") + part;
    return path;
  }

  const Manifest& manifest_;
  std::vector<std::string> where_;  ///< a directory of the release, never a link
  std::deque<std::string> ahead_;   ///< the parts to be gone
  bool stands_on_file_ = false;
  int hops_ = 0;
};

}  // namespace

bool has_directory(const Manifest& manifest, const std::string& path) {
  return has(manifest.directories, path) || has_below(manifest.files, path) || has_below(manifest.directories, path) ||
         has_below(manifest.links, path);
}

std::string find_link_problem(const Manifest& manifest, const ManifestLink& link) {
  if (link.target.empty()) return "it is a link to nothing";
  if (link.target.size() > kLongestTarget) return "its target is longer than 4095 bytes";
  if (std::string rule = broken_rule_of_text(link.target); !rule.empty()) return "of its target, " + rule;
  if (!link.target.starts_with('/')) return Walk(manifest, link).run();
  if (std::ranges::count(split(link.target), "..") > 0) return "its absolute target has a '..' component";
  return {};
}

Result<void> check_links(const Manifest& manifest) {
  for (const ManifestLink& link : manifest.links)
    if (const std::string problem = find_link_problem(manifest, link); !problem.empty())
      return Error{Errc::refused, "accept the link", "'" + printable(link.path) + "'", problem};
  return {};
}

}  // namespace midair
