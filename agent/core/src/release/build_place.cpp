#include "release/build_place.h"

#include <algorithm>
#include <system_error>

#include "midair/foreign_text.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostNamed = 3;

/// What a shell or the kernel would run: up to the end of the second line.
std::string_view first_lines(std::string_view text) {
  const std::size_t first = text.find('\n');
  return first == std::string_view::npos ? text : text.substr(0, text.find('\n', first + 1));
}

/// Whether `text` has a path that begins with `directory`, and doesn't only go on with it.
bool names(std::string_view text, const std::string& directory) {
  for (std::size_t at = text.find(directory); at != std::string_view::npos; at = text.find(directory, at + 1))
    if (std::string_view("! \t\"'=").find(text[at - 1]) != std::string_view::npos) return true;  // after "#!" at least
  return false;
}

}  // namespace

BuildPlace::BuildPlace(const fs::path& directory) {
  std::error_code error;
  for (const fs::path& path : {fs::canonical(directory, error), fs::absolute(directory, error).lexically_normal()})
    if (std::string name = (path / "").string(); name.size() > 1 && name.front() == '/')
      names_.push_back(std::move(name));
}

void BuildPlace::look_at(const std::string& path, std::string_view beginning) {
  if (!beginning.starts_with("#!")) return;
  const std::string_view lines = first_lines(beginning);
  if (std::ranges::any_of(names_, [&](const std::string& name) { return names(lines, name); }))
    scripts_.push_back(path);
}

std::string BuildPlace::notice() const {
  if (scripts_.empty()) return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(scripts_.size(), kMostNamed); ++i)
    text += (i == 0 ? "'" : ", '") + printable(scripts_[i]) + "'";
  if (scripts_.size() > kMostNamed) text += " and " + std::to_string(scripts_.size() - kMostNamed) + " more";
  return text + (scripts_.size() == 1 ? " asks" : " ask") + " for a program in '" + printable(names_.front()) +
         "', where no machine has this release: start modules by a path relative to the release (.venv/bin/python -m "
         "gunicorn), or make scripts that find it themselves (uv venv --relocatable)";
}

}  // namespace midair
