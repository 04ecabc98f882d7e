/// @file
/// What a release may ask of the sidecar that unpacks it. A sidecar tells in its machine record what it knows, a
/// release in manifest and pointer what it requires: only what it needs, so that plain releases go everywhere.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace midair {

inline constexpr std::string_view kFeatureDirectories = "directories";  ///< empty ones
inline constexpr std::string_view kFeatureLinks = "links";              ///< symbolic ones
inline constexpr std::string_view kFeatureLongNames = "long-names";     ///< beyond ustar: pax records
inline constexpr std::string_view kFeatureModes = "modes";              ///< what not everybody may read stays so
inline constexpr std::string_view kFeatureMtimes = "mtimes";            ///< files keep their times
inline constexpr std::string_view kFeatureNames = "names";              ///< beyond [A-Za-z0-9._@+-], twins but for case
inline constexpr std::string_view kFeatureWritable = "writable";        ///< directories that the app writes to

/// All that this program knows, in byte order.
inline constexpr std::array<std::string_view, 7> kFeatures{kFeatureDirectories, kFeatureLinks,  kFeatureLongNames,
                                                           kFeatureModes,       kFeatureMtimes, kFeatureNames,
                                                           kFeatureWritable};

/// kFeatures, as documents carry them.
[[nodiscard]] std::vector<std::string> known_features();

/// Those of `required` that are not among `known`, in the order of `required`.
[[nodiscard]] std::vector<std::string> missing_features(const std::vector<std::string>& required,
                                                        const std::vector<std::string>& known);

/// "links, names".
[[nodiscard]] std::string list_features(const std::vector<std::string>& features);

}  // namespace midair
