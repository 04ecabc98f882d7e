/// @file
/// A client for tests: quick, with tokens of its own.
#pragma once

#include <memory>
#include <string>

#include "fixed_tokens.h"
#include "machines_client.h"
#include "result_asserts.h"

namespace midair::host::machines {

inline const CallLimits kAmple{.deadline = std::chrono::seconds(60)};

inline Patience quick() {
  using std::chrono::milliseconds;
  return {.still_active = std::chrono::seconds(20),
          .empty_list = milliseconds(1),
          .lookup = std::chrono::seconds(2),
          .one_wait = std::chrono::seconds(1),
          .first_poll = milliseconds(5)};
}

inline std::unique_ptr<MachinesClient> client_of(const std::string& url,
                                                 std::vector<std::string> tokens = {"fake-token"},
                                                 LocalApi local = {}) {
  const auto source = std::make_shared<FixedTokens>(std::move(tokens));
  auto fly = std::make_unique<FlyClient>(value_of(HttpClient::open(url, "")), std::move(local),
                                         [source] { return std::static_pointer_cast<TokenSource>(source); });
  return std::make_unique<MachinesClient>(std::move(fly), quick());
}

inline JsonText json(const std::string& text) { return value_of(JsonText::parse(text, "a test", 1 << 20)); }

}  // namespace midair::host::machines
