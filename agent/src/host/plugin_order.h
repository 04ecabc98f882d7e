/// @file
/// In which order plugins start: a pure function of what they provide and need.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace midair::host {

/// One plugin as the planner sees it.
struct PluginNode {
  std::string name;
  std::vector<std::string> provides;  ///< names of services
  std::vector<std::string> needs;     ///< names of services
};

/// The plan. Every node is in exactly one of the two.
struct StartOrder {
  std::vector<std::size_t> order;               ///< indices of nodes: providers before those that need them
  std::map<std::size_t, std::string> refusals;  ///< index of a node -> the sentence that says why
};

/// Plans the start of `nodes`, whose names differ; `host_services` need no provider. Otherwise unrelated plugins keep
/// the order of `nodes`. Refused are: the second provider of a service, circles, and whoever needs what nobody left
/// provides.
[[nodiscard]] StartOrder plan_start_order(const std::vector<PluginNode>& nodes,
                                          const std::set<std::string>& host_services);

}  // namespace midair::host
