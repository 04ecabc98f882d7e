// Version 3 is broken, as only production finds out: it forgot that paths may be long, and is not well afterwards.
#include "../hits.h"

#include <map>
#include <midair/module.hpp>
#include <mutex>
#include <stdexcept>

namespace {

class Hits {
 public:
  static constexpr midair::ModuleInfo kInfo{.name = "hits", .version = "3", .schema = "hits/3"};
  static constexpr const char* kImports[] = {"hits/1", "hits/2", nullptr};

  std::string visit(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return path + ": undefined visits\n";
  }
  [[nodiscard]] std::size_t units() const { return units_; }
  void export_state(std::size_t, midair::Output& out) { out.write("", 0); }
  void complete(std::size_t units) { units_ = units; }
  void import_state(std::string_view, std::size_t, std::string_view bytes) {
    if (bytes.size() > 64) throw std::length_error("a path is too long for version 3");
  }
  void health() const { throw std::runtime_error("nothing is defined"); }

 private:
  std::mutex mutex_;
  std::size_t units_ = 0;
};

}  // namespace

MIDAIR_MODULE(Hits, midair::call<&Hits::visit>("visit"));
