#include "midair/release/features.h"

#include <algorithm>

#include "midair/foreign_text.h"

namespace midair {

std::vector<std::string> known_features() { return {kFeatures.begin(), kFeatures.end()}; }

std::vector<std::string> missing_features(const std::vector<std::string>& required,
                                          const std::vector<std::string>& known) {
  std::vector<std::string> missing;
  std::ranges::copy_if(required, std::back_inserter(missing),
                       [&](const std::string& feature) { return std::ranges::find(known, feature) == known.end(); });
  return missing;
}

std::string list_features(const std::vector<std::string>& features) {
  std::string text;
  for (const std::string& feature : features) text += (text.empty() ? "" : ", ") + printable(feature);
  return text;
}

}  // namespace midair
