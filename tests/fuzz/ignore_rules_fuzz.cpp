/// @file
/// Any text as an ignore file, and any name: a verdict or an error, soon; one that negates everything turns it round.
#include "release/ignore/ignore_rules.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string_view input = text_of(data, size);
  const std::size_t cut = input.find('\xFF');
  const std::string_view text = input.substr(0, cut);
  std::string name(cut == std::string_view::npos ? "a/b" : input.substr(cut + 1));
  if (name.size() > 1024 || name.find('\0') != std::string::npos) return 0;
  const auto rules = IgnoreRules::parse(text, "fuzz");
  if (!rules.ok()) {
    require(rules.error().code == Errc::bad_input && rules.error().subject.starts_with("fuzz, line "));
    return 0;
  }
  const auto verdict = rules->judge(name, true);
  if (rules->judge(name, false).has_value()) require(verdict.has_value());
  const auto taken = IgnoreRules::parse(std::string(text) + "\n!*\n", "fuzz");
  require(taken.ok() && taken->judge(name, false) == IgnoreVerdict::take);
  return 0;
}
