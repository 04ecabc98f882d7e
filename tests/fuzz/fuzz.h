/// @file
/// What the fuzzers share.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "midair/durable_file.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair {

/// A property of the code under test: where it does not hold, libFuzzer has a finding.
inline void require(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::cerr << file << ':' << line << ": this property does not hold\n";
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A file in memory, for what reads descriptors and paths.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content = {}) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(write_all(fd_.get(), content, "fuzz").ok());
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  Fd fd_;
};

/// What is accepted survives being written and read again. Numbers may grow when they are written (1e300), and a
/// document with them beyond `max_bytes`.
template <class Record>
void require_round_trip(const Result<Record>& record, std::size_t max_bytes) {
  if (!record.ok()) return;
  const std::string text = record->to_json();
  const auto again = Record::parse(text, "fuzz");
  require(again.ok() || text.size() > max_bytes);
  require(!again.ok() || again->to_json() == text);
}

}  // namespace midair
