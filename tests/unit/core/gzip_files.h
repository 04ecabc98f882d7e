/// @file
/// gzip files in memory, for tests.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "midair/durable_file.h"
#include "release/gzip_writer.h"
#include "result_asserts.h"

namespace midair {

inline Fd memory_file(std::string_view content = {}) {
  Fd fd(::memfd_create("test", MFD_CLOEXEC));
  CPPUNIT_ASSERT(fd);
  assert_ok(write_all(fd.get(), content, "memory"));
  return fd;
}

inline std::string content_of(const Fd& fd) {
  ::lseek(fd.get(), 0, SEEK_SET);
  return value_of(read_all(fd.get(), 1ULL << 30, "memory"));
}

inline std::string gzip(std::string_view bytes) {
  const Fd fd = memory_file();
  GzipWriter writer(fd.get());
  assert_ok(writer.write(bytes));
  assert_ok(writer.finish());
  return content_of(fd);
}

}  // namespace midair
