#include "release/module_notices.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "midair/foreign_text.h"
#include "module_globals.h"

namespace midair {

namespace {

constexpr std::size_t kMostNamed = 5;
constexpr std::size_t kMostKept = 10'000;
/// What compiler and padding need, in a module that was not stripped of its names.
constexpr std::uint64_t kNameless = 128;

using Global = std::pair<std::uint64_t, std::string>;

/// As it is called in the source, if it can be told.
std::string source_name(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  return printable(status == 0 && text ? text.get() : name, 100);
}

std::string bytes_of(std::uint64_t size) { return std::to_string(size) + (size == 1 ? " byte" : " bytes"); }

void keep(void* globals, const char* name, std::uint64_t size) {
  auto& list = *static_cast<std::vector<Global>*>(globals);
  if (list.size() < kMostKept) list.emplace_back(size, name);
}

}  // namespace

std::string notice_of_globals(const std::string& path, std::string_view bytes) {
  std::vector<Global> globals;
  const std::uint64_t nameless = midair_list_globals(bytes.data(), bytes.size(), keep, &globals);
  std::stable_sort(globals.begin(), globals.end(), [](const Global& a, const Global& b) { return a.first > b.first; });
  std::string list;
  const auto add = [&list](const std::string& item) { list += (list.empty() ? "" : ", ") + item; };
  for (std::size_t i = 0; i < std::min(globals.size(), kMostNamed); ++i)
    add(source_name(globals[i].second) + " (" + bytes_of(globals[i].first) + ")");
  if (globals.size() > kMostNamed) add(std::to_string(globals.size() - kMostNamed) + " more");
  if (nameless > kNameless) add(bytes_of(nameless) + " without a name");
  if (list.empty()) return {};
  return printable(path) + " has writable variables of its own, which the next version doesn't get: " + list +
         "; keep state behind the pointer that the module gives";
}

}  // namespace midair
