// Version 2 also knows the longest gap between two visits, so a path is more than a number: the layout of the state
// has changed. It reads what version 1 wrote, and writes it for the way back.
#include "../hits.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <midair/module.hpp>
#include <mutex>
#include <sstream>
#include <stdexcept>

namespace {

using Milliseconds = std::chrono::milliseconds;

class Hits {
 public:
  static constexpr midair::ModuleInfo kInfo{.name = "hits", .version = "2", .schema = "hits/2"};
  static constexpr const char* kImports[] = {"hits/1", nullptr};

  std::string visit(const std::string& path) {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t now = std::chrono::duration_cast<Milliseconds>(since_1970).count();
    const std::lock_guard lock(mutex_);
    Record& record = records_[path];
    if (record.last_visit != 0) record.longest_gap = std::max(record.longest_gap, now - record.last_visit);
    record.last_visit = now;
    return path + ": " + std::to_string(++record.count) + " visits, longest gap between two " +
           std::to_string(record.longest_gap) + " ms\n";
  }

  [[nodiscard]] std::size_t units() const { return records_.size(); }

  void export_state(std::size_t unit, midair::Output& out) {
    const auto& [path, record] = next(unit);
    std::ostringstream text;
    text << record.count << ' ' << record.last_visit << ' ' << record.longest_gap << ' ' << path;
    out.write(text.str().data(), text.str().size());
  }

  void downgrade(std::string_view schema, std::size_t unit, midair::Output& out) {
    if (schema != kImports[0]) throw std::invalid_argument("an unknown schema");
    const auto& [path, record] = next(unit);
    const std::string text = std::to_string(record.count) + ' ' + path;
    out.write(text.data(), text.size());
  }

  void import_state(std::string_view schema, std::size_t, std::string_view bytes) {
    std::istringstream text{std::string(bytes)};
    Record record;
    std::string path;
    text >> record.count;
    if (schema == kInfo.schema) text >> record.last_visit >> record.longest_gap;
    if (!(text >> path)) throw std::invalid_argument("this is no record");
    records_[path] = record;
  }

 private:
  struct Record {
    std::uint64_t count = 0;
    std::int64_t last_visit = 0;   // milliseconds since 1970; 0: not known
    std::int64_t longest_gap = 0;  // milliseconds
  };
  using Records = std::map<std::string, Record>;

  const Records::value_type& next(std::size_t unit) { return *(unit == 0 ? at_ = records_.begin() : ++at_); }

  std::mutex mutex_;
  Records records_;
  Records::iterator at_;
};

}  // namespace

MIDAIR_MODULE(Hits, midair::call<&Hits::visit>("visit"));
