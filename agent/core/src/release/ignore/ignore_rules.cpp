#include "release/ignore/ignore_rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace midair {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kAnyDepth = "**";
constexpr std::array<std::string_view, 12> kClasses{"alnum", "alpha", "blank", "cntrl", "digit", "graph",
                                                    "lower", "print", "punct", "space", "upper", "xdigit"};

Error wrong(const std::string& cause) { return {Errc::bad_input, "understand", {}, cause}; }

/// Whether an odd number of backslashes stands before `end`: what follows is escaped.
bool is_escaped(std::string_view text, std::size_t end) {
  const std::size_t other = text.substr(0, end).find_last_not_of('\\');
  return (end - (other == std::string_view::npos ? 0 : other + 1)) % 2 == 1;
}

/// Spaces at the end of a line count only when they are escaped.
void trim(std::string& line) {
  if (line.ends_with('\r')) line.pop_back();
  while (line.ends_with(' ') && !is_escaped(line, line.size() - 1)) line.pop_back();
}

/// At slashes, escaped or not.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> components;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    components.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return components;
}

/// Checks the set that begins after the '[' before `at`, and returns where it has ended. A leading '^', which
/// fnmatch(3) doesn't know in every environment, becomes '!'.
Result<std::size_t> check_set(std::string& component, std::size_t at) {
  if (at < component.size() && component[at] == '^') component[at] = '!';
  if (at < component.size() && component[at] == '!') ++at;
  for (bool first = true; at < component.size(); first = false) {
    const std::string_view rest = std::string_view(component).substr(at);
    if (rest.front() == ']' && !first) return at + 1;
    if (rest.starts_with("[:")) {
      const std::size_t end = rest.find(":]", 2);
      const std::string_view name = rest.substr(2, end == std::string_view::npos ? 0 : end - 2);
      if (std::find(kClasses.begin(), kClasses.end(), name) == kClasses.end())
        return wrong("'[:' begins no class that there is, such as [:digit:]");
      at += end + 2;
    } else if (rest.starts_with("[=") || rest.starts_with("[.")) {
      return wrong("'" + std::string(rest.substr(0, 2)) + "' inside of '[...]' is not supported");
    } else {
      at += rest.front() == '\\' ? 2 : 1;
    }
  }
  return wrong("its '[' has no ']' (before the next '/')");
}

/// Whatever fnmatch(3) would never match, or not as git does.
Result<void> check_component(std::string& component) {
  for (std::size_t at = 0; at < component.size();) {
    const char c = component[at];
    if (c == '\\' && at + 1 == component.size()) return wrong("nothing follows its last backslash");
    at += c == '\\' ? 2 : 1;
    if (c != '[') continue;
    MIDAIR_TRY_ASSIGN(at, check_set(component, at));
  }
  return {};
}

bool is_any_depth(std::string_view component) {
  return component.size() >= 2 && component.find_first_not_of('*') == std::string_view::npos;
}

bool is_match(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace

Result<std::optional<IgnoreRules::Pattern>> IgnoreRules::Pattern::parse(std::string line) {
  trim(line);
  if (line.empty() || line.front() == '#') return std::optional<Pattern>();
  if (line.find('\0') != std::string::npos) return wrong("it has a NUL byte");
  Pattern pattern;
  if (line.front() == '!') {
    pattern.verdict = IgnoreVerdict::take;
    line.erase(0, 1);
  }
  if (line.ends_with('/')) {
    pattern.only_directories = true;
    line.pop_back();
  }
  pattern.at_any_depth = line.find('/') == std::string::npos;
  if (line.starts_with('/')) line.erase(0, 1);
  if (line.empty()) return wrong("it has no pattern");

  pattern.components = split(line);
  for (std::string& component : pattern.components) {
    const bool slash_is_escaped = &component != &pattern.components.back() && is_escaped(component, component.size());
    if (slash_is_escaped) component.pop_back();
    if (component.empty()) return wrong("nothing stands between two slashes of it");
    if (is_any_depth(component)) component = kAnyDepth;
    MIDAIR_TRY(check_component(component));
  }
  if (pattern.components.back() == kAnyDepth) pattern.components.emplace_back("*");  // not the directory itself
  if (pattern.components.size() > 1 && pattern.at_any_depth) pattern.components.erase(pattern.components.begin());
  return std::optional(std::move(pattern));
}

/// Component by component; where one doesn't match, the last "**" takes one more.
bool IgnoreRules::Pattern::matches(const std::vector<std::string>& name) const {
  if (at_any_depth) return is_match(components.front(), name.back());
  std::size_t next = 0, compared = 0;
  std::optional<std::size_t> after_any_depth;
  std::size_t taken = 0;  // by that "**" and all before it
  while (compared < name.size()) {
    if (next < components.size() && components[next] == kAnyDepth) {
      after_any_depth = ++next;
      taken = compared;
    } else if (next < components.size() && is_match(components[next], name[compared])) {
      ++next;
      ++compared;
    } else if (after_any_depth) {
      next = *after_any_depth;
      compared = ++taken;
    } else {
      return false;
    }
  }
  return next == components.size();
}

Result<void> IgnoreRules::add(const std::string& text, const std::string& subject) {
  auto pattern = Pattern::parse(text);
  if (pattern && *pattern) {
    patterns_.push_back(**std::move(pattern));
    return {};
  }
  return Error{Errc::bad_input, "understand", subject, pattern ? "it has no pattern" : pattern.error().cause,
               "mend it; its syntax is gitignore's"};
}

Result<IgnoreRules> IgnoreRules::parse(std::string_view text, const std::string& subject) {
  IgnoreRules rules;
  std::vector<Error> errors;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto pattern = Pattern::parse(std::string(text.substr(0, end)));
    if (!pattern)
      errors.push_back({Errc::bad_input, "understand", subject + ", line " + std::to_string(number),
                        pattern.error().cause, "mend that line; its syntax is gitignore's"});
    else if (*pattern)
      rules.patterns_.push_back(**std::move(pattern));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!errors.empty()) return first_with_others(std::move(errors));
  return rules;
}

std::optional<IgnoreVerdict> IgnoreRules::judge(std::string_view name, bool is_directory) const {
  if (patterns_.empty()) return std::nullopt;
  const std::vector<std::string> components = split(name);
  const auto last = std::find_if(patterns_.rbegin(), patterns_.rend(), [&](const Pattern& pattern) {
    return (is_directory || !pattern.only_directories) && pattern.matches(components);
  });
  return last == patterns_.rend() ? std::nullopt : std::optional(last->verdict);
}

}  // namespace midair
