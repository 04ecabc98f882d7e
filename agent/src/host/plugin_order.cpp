#include "host/plugin_order.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace midair::host {

namespace {

class Planner {
 public:
  Planner(const std::vector<PluginNode>& nodes, const std::set<std::string>& host_services)
      : nodes_(nodes), host_services_(host_services), mark_(nodes.size(), Mark::unseen) {}

  StartOrder plan() {
    find_providers();
    for (std::size_t i = 0; i < nodes_.size(); ++i) visit(i);
    refuse_the_unmet();
    std::erase_if(plan_.order, [this](std::size_t i) { return plan_.refusals.contains(i); });
    return std::move(plan_);
  }

 private:
  enum class Mark { unseen, on_path, done };

  void find_providers() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const auto& service : nodes_[i].provides) {
        if (host_services_.contains(service)) {
          plan_.refusals.emplace(i, "the service '" + service + "' is midair's own");
        } else if (const auto [other, is_new] = provider_.emplace(service, i); !is_new) {
          plan_.refusals.emplace(i, "the service '" + service + "' is already provided by the plugin '" +
                                        nodes_[other->second].name + "'");
        }
      }
    }
  }

  [[nodiscard]] std::optional<std::size_t> provider_of(const std::string& service) const {
    const auto found = provider_.find(service);
    return found == provider_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Depth first: what a node needs goes into the order before it. Meeting a node of the current path closes a circle.
  void visit(std::size_t node) {
    if (mark_[node] == Mark::done) return;
    if (mark_[node] == Mark::on_path) return refuse_circle(node);
    mark_[node] = Mark::on_path;
    path_.push_back(node);
    for (const auto& service : nodes_[node].needs)
      if (const auto provider = provider_of(service)) visit(*provider);
    path_.pop_back();
    mark_[node] = Mark::done;
    plan_.order.push_back(node);
  }

  void refuse_circle(std::size_t first) {
    const auto begin = std::find(path_.begin(), path_.end(), first);
    std::string circle;
    for (auto node = begin; node != path_.end(); ++node) circle += nodes_[*node].name + " -> ";
    circle += nodes_[first].name;
    for (auto node = begin; node != path_.end(); ++node)
      plan_.refusals.emplace(*node, "plugins need each other in a circle: " + circle);
  }

  void refuse_the_unmet() {
    for (bool changed = true; std::exchange(changed, false);) {
      for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (plan_.refusals.contains(i)) continue;
        for (const auto& service : nodes_[i].needs) {
          if (auto why = unmet(service)) changed = plan_.refusals.emplace(i, *std::move(why)).second || changed;
        }
      }
    }
  }

  /// Why `service` will not be there, or nothing if it will.
  [[nodiscard]] std::optional<std::string> unmet(const std::string& service) const {
    if (host_services_.contains(service)) return std::nullopt;
    const auto provider = provider_of(service);
    if (!provider) return "it needs the service '" + service + "', which no plugin provides";
    if (!plan_.refusals.contains(*provider)) return std::nullopt;
    return "it needs the service '" + service + "' of the plugin '" + nodes_[*provider].name + "', which was refused";
  }

  const std::vector<PluginNode>& nodes_;
  const std::set<std::string>& host_services_;
  std::map<std::string, std::size_t> provider_;
  std::vector<Mark> mark_;
  std::vector<std::size_t> path_;
  StartOrder plan_;
};

}  // namespace

StartOrder plan_start_order(const std::vector<PluginNode>& nodes, const std::set<std::string>& host_services) {
  return Planner(nodes, host_services).plan();
}

}  // namespace midair::host
