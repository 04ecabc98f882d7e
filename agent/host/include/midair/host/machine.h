/// @file
/// What the Fly Machines API tells: the fields that Midair works with, each with the API's own JSON beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "midair/json/json_text.h"

namespace midair::host {

/// Names and values, e.g. a machine's metadata.
using Metadata = std::map<std::string, std::string>;

/// One machine of an app.
struct Machine {
  std::string id;
  std::string name;
  std::string state;        ///< "created", "started", "stopped", ...: see is_settled()
  std::string region;       ///< "fra"
  std::string instance_id;  ///< names this version of the machine; changes with each update
  std::string private_ip;
  std::string image;        ///< as FLY_IMAGE_REF has it: "registry.fly.io/app:deployment-01J..."
  std::string created_at;   ///< RFC 3339
  std::string updated_at;   ///< RFC 3339
  std::string host_status;  ///< "ok", "unknown", "unreachable"; empty if not told
  bool cordoned = false;
  Metadata metadata;
  int checks = 0;          ///< health checks
  int checks_passing = 0;  ///< of those
  JsonText json;           ///< the machine as the API gave it

  /// The process group that Fly Launch gave it; may be empty.
  [[nodiscard]] std::string process_group() const;
  /// The configuration, ready to be sent back. Nothing where the API has left it out: a summary, or a host in trouble.
  [[nodiscard]] JsonText config() const { return json.at("config"); }

  /// Errc::corrupt for anything that is not a machine.
  static Result<Machine> from_json(const JsonText& json);
  /// One of a list, where an odd one must not hide the others: without a state it is "unknown". Errc::corrupt without
  /// an id.
  static Result<Machine> from_list(const JsonText& json);
};

/// True for the states in which a machine stays unless somebody does something: created, started, stopped, suspended,
/// failed, destroyed, replaced, migrated.
[[nodiscard]] bool is_settled(const std::string& state);

/// Who holds a machine for a while. Writes by others are refused.
struct Lease {
  std::string nonce;                                 ///< proves to be the holder; a secret while it lasts
  std::string owner;                                 ///< "user@tokens.fly.io"
  std::chrono::system_clock::time_point expires_at;  ///< by the API's clock
  std::string description;
  JsonText json;
};

/// What a program run inside of a machine answered.
struct ExecOutcome {
  int exit_code = 0;
  int exit_signal = 0;
  std::string out;
  std::string err;
  JsonText json;
};

struct App {
  std::string id;
  std::string name;
  std::string organization;  ///< its slug
  std::string status;
  std::int64_t machines = 0;
  JsonText json;
};

struct Volume {
  std::string id;
  std::string name;
  std::string state;
  std::string region;
  std::int64_t size_gb = 0;
  std::string attached_machine;  ///< empty: to none
  std::string created_at;        ///< RFC 3339
  JsonText json;
};

/// A secret of an app, as far as the API tells: never its value.
struct AppSecret {
  std::string name;
  std::string digest;
  std::string created_at;  ///< RFC 3339
  JsonText json;
};

}  // namespace midair::host
