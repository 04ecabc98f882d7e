/// @file
/// `releases/<app>-current.json`: which release a fleet should run.
#pragma once

#include <Poco/JSON/Object.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/release_name.h"

namespace midair {

/// The pointer is never longer than this; more is refused unread.
inline constexpr std::uint64_t kMaxPointerBytes = 64 * 1024;

/// The `hot_upgrade` object, and the pointer's `image_ref` as base_image_ref. There `hot_ref` is `source_image_ref` and
/// `digest` is `sha256`. Midair's own, which FlyDeploy neither writes nor minds: digest, sequence, and what stands
/// below the line.
///
/// One that requires features names its base image in `hot_upgrade`, and the pointer names none: so a sidecar from
/// before there were features finds a pointer for no base image, and leaves alone what it couldn't unpack.
struct HotUpgrade : ReleaseName {
  std::string tarball_url;
  std::string deployed_at;  ///< RFC 3339
  // ---
  std::uint64_t size = 0;                        ///< of the tarball, bytes
  std::string strategy;                          ///< "handover", ...
  std::uint64_t fence = 0;                       ///< the fence of the lock under which it was published
  std::vector<std::string> required_features{};  ///< of kFeatures: machines without one leave it alone
};

/// The pointer, and the JSON it came from, so that unknown fields survive a read-modify-write. Midair's own in it:
/// `last_good`, which has the fields of `hot_upgrade` and the `image_ref` that it is for, and `hot_upgrade.refused`.
/// FlyDeploy keeps the one, and leaves out the other when it publishes.
class Pointer {
 public:
  /// A new pointer for machines whose base image is `image_ref`.
  static Pointer for_base_image(std::string image_ref, const std::string& set_at);

  /// Errc::corrupt if it is not JSON, too long, or a field has the wrong type; unknown fields are kept. FlyDeploy
  /// leaves `image_ref` out until a machine has booted: such a pointer is for no base image.
  static Result<Pointer> parse(std::string_view text, const std::string& subject);

  /// The base image that it is for; empty too if it is for none.
  [[nodiscard]] const std::string& image_ref() const { return image_ref_; }
  /// True if it is for machines with that base image; false for all of them where it names none.
  [[nodiscard]] bool is_for(std::string_view base_image_ref) const {
    return names_image_ && image_ref_ == base_image_ref;
  }
  [[nodiscard]] const std::optional<HotUpgrade>& hot_upgrade() const { return hot_upgrade_; }
  /// True if every machine that tried the hot upgrade failed: no other tries it.
  [[nodiscard]] bool refused() const { return refused_; }
  /// What a machine runs that must not run the hot upgrade and has committed nothing itself.
  [[nodiscard]] const std::optional<HotUpgrade>& last_good() const { return last_good_; }
  /// Where the release of FlyDeploy's blue-green upgrade lies; empty if it names none.
  [[nodiscard]] std::string blue_green_tarball_url() const;

  /// Points machines with base image `upgrade.base_image_ref` at `upgrade`, which nobody has refused. A last good
  /// release of another base image is forgotten.
  void set_hot_upgrade(const HotUpgrade& upgrade, const std::string& set_at);
  /// The hot upgrade has proved good: it is the last good release from now on. Precondition: there is one.
  void keep_as_last_good();
  /// Every machine that tried the hot upgrade failed. Precondition: there is one.
  void refuse();

  /// Compact JSON, keys in order.
  [[nodiscard]] std::string to_json() const;

 private:
  Pointer() = default;
  void settle_image();

  Poco::JSON::Object::Ptr json_;
  std::string image_ref_;
  bool names_image_ = true;
  std::optional<HotUpgrade> hot_upgrade_;
  std::optional<HotUpgrade> last_good_;
  bool refused_ = false;
};

}  // namespace midair
