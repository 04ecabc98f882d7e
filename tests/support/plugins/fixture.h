/// @file
/// What the fixture plugins share: an interface, a diary, and a descriptor in one line.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

#include "midair/host/plugin.h"

namespace midair::host {

/// The service that `good` offers and others need.
class Greeter {
 public:
  virtual ~Greeter() = default;
  [[nodiscard]] virtual std::string greeting() const = 0;
};

/// Appends a line to the file that MIDAIR_FIXTURE_DIARY names, if it does.
inline void note(const std::string& event) {
  if (const char* diary = std::getenv("MIDAIR_FIXTURE_DIARY")) std::ofstream(diary, std::ios::app) << event << "\n";
}

/// A list of service names with its terminating null.
template <const char*... Names>
struct ServiceNames {
  static constexpr const char* list[] = {Names..., nullptr};
};

/// The descriptor of the plugin class `P`, which provides and needs the services named.
template <class P, class Provides, class Needs>
constexpr PluginDescriptor describe(const char* name, const SettingSpec* (*settings)(std::size_t*) = nullptr) {
  return {name,
          "1.0.0",
          Provides::list,
          Needs::list,
          settings,
          [] { return static_cast<Plugin*>(new P); },
          [](Plugin* plugin) noexcept { delete plugin; }};
}

inline constexpr char kGreeter[] = "greeter";
inline constexpr char kNowhere[] = "nowhere";
inline constexpr char kFailed[] = "failed";
inline constexpr char kHen[] = "hen";
inline constexpr char kEgg[] = "egg";
inline constexpr char kPromise[] = "promise";
using Nothing = ServiceNames<>;

/// Starts and stops without doing anything.
class IdlePlugin : public Plugin {
 public:
  Result<void> start(Context&) override { return {}; }
  void stop() noexcept override {}
};

}  // namespace midair::host
