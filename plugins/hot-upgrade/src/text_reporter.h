/// @file
/// `midair hot` for people: one line per step and per news from a machine.
#pragma once

#include "hot_reporter.h"
#include "midair/host/plugin.h"

namespace midair::host::hot {

/// Prints lines of text. `console` must outlive the reporter.
class TextReporter final : public HotReporter {
 public:
  explicit TextReporter(Console& console) : console_(console) {}

  void packed(const LocalRelease& release, std::chrono::nanoseconds took) override;
  void fleet(const FleetPlan& plan) override;
  void planned(const HotPlan& plan) override;
  void locked(std::uint64_t fence, std::chrono::nanoseconds took) override;
  void uploaded(const std::string& key, UploadOutcome outcome, std::chrono::nanoseconds took) override;
  void published(const HotUpgrade& upgrade, const std::string& upgrade_id, std::chrono::nanoseconds took) override;
  void result(const UpgradeResult& result) override;
  void summary(const HotSummary& summary) override;
  void notice(const std::string& text) override;
  void progress(const std::string& text) override { console_.progress(text); }

 private:
  void step(const char* name, const std::string& text);
  void machine(const std::string& id, const std::string& region, const char* colour, const std::string& state,
               const std::string& text);

  Console& console_;
};

}  // namespace midair::host::hot
