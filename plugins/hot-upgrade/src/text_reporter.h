/// @file
/// `midair hot` for people: one line per step and per news from a machine.
#pragma once

#include <string>

#include "midair/host/event_bus.h"
#include "midair/host/plugin.h"
#include "midair/host/upgrade/upgrade_events.h"

namespace midair::host::hot {

/// Prints lines of text. `console` must outlive the reporter.
class TextReporter {
 public:
  explicit TextReporter(Console& console) : console_(console) {}
  /// Events of other types are nothing to it.
  void hear(const Event& event);

 private:
  void tell(const ReleasePacked& packed);
  void tell(const ReleaseChosen& chosen);
  void tell(const FleetPlanned& fleet);
  void tell(const UpgradePlan& plan);
  void tell(const DeployLocked& locked);
  void tell(const TarballUploaded& uploaded);
  void tell(const UpgradePublished& published);
  void tell(const MachineAnswered& answered);
  void tell(const UpgradeSummary& summary);
  void tell(const Outlook& outlook, const std::string& version);
  void tell(const UpgradeNotice& notice);
  void tell(const UpgradeProgress& progress) { console_.progress(progress.text); }

  void step(const char* name, const std::string& text);
  void machine(const std::string& id, const std::string& region, const char* colour, const std::string& state,
               const std::string& text);

  Console& console_;
};

}  // namespace midair::host::hot
