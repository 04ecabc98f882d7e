// Version 1: how often each path was visited. One unit of state is one path: its count in decimal, a blank, the path.
#include "../hits.h"

#include <map>
#include <midair/module.hpp>
#include <mutex>
#include <stdexcept>

namespace {

class Hits {
 public:
  static constexpr midair::ModuleInfo kInfo{.name = "hits", .version = "1", .schema = "hits/1"};

  std::string visit(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return path + ": " + std::to_string(++counts_[path]) + " visits\n";
  }

  // Nobody calls visit() while these run: they need no lock.
  [[nodiscard]] std::size_t units() const { return counts_.size(); }

  void export_state(std::size_t unit, midair::Output& out) {
    const auto& [path, count] = *(unit == 0 ? at_ = counts_.begin() : ++at_);  // units are asked for in order
    const std::string text = std::to_string(count) + ' ' + path;
    out.write(text.data(), text.size());
  }

  void import_state(std::string_view schema, std::size_t, std::string_view bytes) {
    const auto blank = bytes.find(' ');
    if (schema != kInfo.schema || blank == std::string_view::npos) throw std::invalid_argument("this is no count");
    counts_[std::string(bytes.substr(blank + 1))] = std::stoull(std::string(bytes.substr(0, blank)));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, std::uint64_t>::iterator at_;
};

}  // namespace

MIDAIR_MODULE(Hits, midair::call<&Hits::visit>("visit"));
