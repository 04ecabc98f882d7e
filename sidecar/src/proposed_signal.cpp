#include "proposed_signal.h"

#include <csignal>

#include "midair/config/fly_kill_signal.h"
#include "midair/log.h"
#include "process/stop_signal.h"

namespace midair::sidecar {

void propose_stop_signal(const std::filesystem::path& base_dir, int stop_signal) {
  if (stop_signal != SIGTERM) return;
  const auto file = base_dir / "fly.toml";
  const auto named = fly_kill_signal(file);
  if (!named && named.error().code == Errc::not_found) return;
  if (!named) return log(LogLevel::info, "fly_toml.unread", {{"error", named.error().to_string()}});
  const auto signal = named->empty() ? Result<int>(SIGINT) : parse_stop_signal(*named);
  if (!signal || *signal == SIGINT || *signal == SIGTERM) return;
  log(LogLevel::notice, "app.other_stop_signal",
      {{"file", file.string()},
       {"kill_signal", *named},
       {"meaning", "Fly sends it to the sidecar, which asks the app to end by TERM"},
       {"try", "--stop-signal " + signal_name(*signal)}});
}

}  // namespace midair::sidecar
