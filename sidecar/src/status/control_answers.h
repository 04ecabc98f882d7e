/// @file
/// The answers on the control socket.
#pragma once

#include <string>

#include "midair/clock.h"
#include "midair/json/json.h"
#include "process/supervisor.h"
#include "state/state_dir.h"
#include "swap/service_check.h"
#include "swap/serving.h"
#include "swap/swap_machine.h"
#include "watch/store_thread.h"

namespace midair::sidecar {

/// Answers `status` and `poll_now`. On the loop thread.
class ControlAnswers {
 public:
  /// The references must outlive the object. `booted_at`: RFC 3339.
  ControlAnswers(Identity identity, std::string booted_at, const StateDir& dir, const Serving& serving,
                 Supervisor& supervisor, const SwapMachine& swap, const ServiceCheck& service_check,
                 StoreThread& store_thread, const Clock& clock)
      : identity_(std::move(identity)),
        booted_at_(std::move(booted_at)),
        dir_(dir),
        serving_(serving),
        supervisor_(supervisor),
        swap_(swap),
        service_check_(service_check),
        store_thread_(store_thread),
        clock_(clock) {}

  /// A JSON object; one with `error` if there is no such operation.
  [[nodiscard]] std::string answer(const std::string& op);

 private:
  [[nodiscard]] std::string status() const;
  [[nodiscard]] Poco::JSON::Array::Ptr added_files() const;
  [[nodiscard]] Poco::JSON::Array::Ptr draining() const;
  [[nodiscard]] Poco::JSON::Object::Ptr swap() const;
  [[nodiscard]] Poco::JSON::Object::Ptr poller() const;

  const Identity identity_;
  const std::string booted_at_;
  const StateDir& dir_;
  const Serving& serving_;
  Supervisor& supervisor_;
  const SwapMachine& swap_;
  const ServiceCheck& service_check_;
  StoreThread& store_thread_;
  const Clock& clock_;
};

}  // namespace midair::sidecar
