// Version 2 also knows the longest pause between two visits, so a path is more than a number: the layout of the state
// has changed. It reads what version 1 wrote, and writes it for the way back.
#include "../hits.h"

#include <chrono>
#include <map>
#include <midair/module.hpp>
#include <mutex>
#include <sstream>
#include <stdexcept>

namespace {

using Seconds = std::chrono::seconds;

class Hits {
 public:
  static constexpr midair::ModuleInfo kInfo{.name = "hits", .version = "2", .schema = "hits/2"};
  static constexpr const char* kImports[] = {"hits/1", nullptr};

  std::string visit(const std::string& path) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::lock_guard lock(mutex_);
    Record& record = records_[path];
    const auto pause = std::chrono::duration_cast<Seconds>(now) - Seconds(record.last_visit);
    if (record.last_visit != 0 && pause.count() > record.longest_pause) record.longest_pause = pause.count();
    record.last_visit = std::chrono::duration_cast<Seconds>(now).count();
    return path + ": " + std::to_string(++record.count) + " visits, longest pause " +
           std::to_string(record.longest_pause) + " s\n";
  }

  [[nodiscard]] std::size_t units() const { return records_.size(); }

  void export_state(std::size_t unit, midair::Output& out) {
    const auto& [path, record] = next(unit);
    std::ostringstream text;
    text << record.count << ' ' << record.last_visit << ' ' << record.longest_pause << ' ' << path;
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
    if (schema == kInfo.schema) text >> record.last_visit >> record.longest_pause;
    if (!(text >> path)) throw std::invalid_argument("this is no record");
    records_[path] = record;
  }

 private:
  struct Record {
    std::uint64_t count = 0;
    std::int64_t last_visit = 0;     // seconds since 1970; 0: not known
    std::int64_t longest_pause = 0;  // seconds
  };
  using Records = std::map<std::string, Record>;

  const Records::value_type& next(std::size_t unit) { return *(unit == 0 ? at_ = records_.begin() : ++at_); }

  std::mutex mutex_;
  Records records_;
  Records::iterator at_;
};

}  // namespace

MIDAIR_MODULE(Hits, midair::call<&Hits::visit>("visit"));
