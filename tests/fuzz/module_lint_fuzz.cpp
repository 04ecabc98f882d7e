/// @file
/// Any bytes as a module, and as a plugin. What is accepted has a build id that names it.
#include "module_lint.h"

#include <algorithm>

#include "fuzz.h"
#include "module_globals.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  midair_lint lint{};
  const bool fine = midair_lint_module(data, size, &lint);
  const std::string_view build_id = lint.build_id;
  const std::string_view problem = lint.problem;
  require(fine == problem.empty());
  require(!fine || (build_id.size() >= 16 && build_id.size() <= 128));
  require(build_id.find_first_not_of("0123456789abcdef") == std::string_view::npos);
  require(std::ranges::all_of(problem, [](char c) { return c >= ' ' && c <= '~'; }));
  std::uint32_t value = 0;
  const auto constant = midair_read_constant(data, size, "midair_plugin_abi", &value, &lint);
  require((constant == MIDAIR_CONSTANT_FOUND) == (lint.problem[0] == '\0'));
  std::uint64_t count = 0;
  const auto found = [](void* counter, const char* name, std::uint64_t bytes) {
    require(bytes > 0 && std::string_view(name).size() < 1U << 30);
    ++*static_cast<std::uint64_t*>(counter);
  };
  midair_list_globals(data, size, found, &count);
  require(count <= size);
  return 0;
}
