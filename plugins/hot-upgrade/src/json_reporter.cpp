#include "json_reporter.h"

#include "midair/host/upgrade/upgrade_events.h"

namespace midair::host::hot {

void JsonReporter::hear(const Event& event) {
  const auto* upgrade = event.as<UpgradeEvent>();
  if (upgrade != nullptr && std::holds_alternative<UpgradeProgress>(*upgrade)) return;
  console_.print_json_line(to_json(event));
}

}  // namespace midair::host::hot
