/// @file
/// Any text as the pointer that a machine gets: what it would install lies where its releases lie, and nowhere else.
#include "release/trust_policy.h"

#include "bucket.h"
#include "fuzz.h"
#include "midair/digest.h"
#include "midair/release/layout.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  static const auto store = open_store(settings_of_bucket("https://example.com"));
  constexpr std::uint64_t kMaxSize = 1'000'000;
  constexpr std::uint64_t kHighest = 7;
  const Identity machine{"app", "m1", "fra", "", "image"};

  const StoreLayout layout{machine.app};
  const auto require_ours = [&](const Target& target) {
    require(check_version(target.version).ok() && target.key == layout.tarball(target.version));
    require(is_sha256_hex(target.digest) && target.size > 0 && target.size <= kMaxSize);
    require(target.base_image_ref == machine.base_image_ref);
    // What it reports goes to a key of its own, one level below the results.
    require(!target.upgrade_id.empty() && target.upgrade_id.find_first_of("/.") == std::string::npos);
    require(check_key(layout.result(target.upgrade_id, machine.machine_id)).ok());
  };
  const DigestTrustPolicy policy({"handover", "in-place"}, kMaxSize);
  if (const auto good = policy.last_good(text_of(data, size), machine, **store)) require_ours(*good);
  const auto decision = policy.decide(text_of(data, size), machine, kHighest, **store);
  if (!decision.ok()) return 0;
  require(decision->target.has_value() == decision->reason.empty());
  if (!decision->target) return 0;
  require_ours(*decision->target);
  require(decision->target->sequence >= kHighest);
  return 0;
}
