/// @file
/// `midair hot --json`: one JSON object per event, as the plugin's README documents them.
#pragma once

#include "hot_reporter.h"
#include "midair/host/plugin.h"

namespace midair::host::hot {

/// Prints NDJSON. `console` must outlive the reporter.
class JsonReporter final : public HotReporter {
 public:
  explicit JsonReporter(Console& console) : console_(console) {}

  void packed(const LocalRelease& release, std::chrono::nanoseconds took) override;
  void fleet(const FleetPlan& plan) override;
  void planned(const HotPlan& plan) override;
  void locked(std::uint64_t fence, std::chrono::nanoseconds took) override;
  void uploaded(const std::string& key, UploadOutcome outcome, std::chrono::nanoseconds took) override;
  void published(const HotUpgrade& upgrade, const std::string& upgrade_id, std::chrono::nanoseconds took) override;
  void result(const UpgradeResult& result) override;
  void summary(const HotSummary& summary) override;
  void notice(const std::string& text) override;
  void progress(const std::string& /*text*/) override {}

 private:
  void emit(const char* event, Poco::JSON::Object fields);

  Console& console_;
};

}  // namespace midair::host::hot
