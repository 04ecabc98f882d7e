/// @file
/// A directory to be packed, one to unpack into, and a tarball between them.
#pragma once

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "midair/durable_file.h"
#include "midair/release/release_archive.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair {

inline void write_file(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644) {
  std::filesystem::create_directories(path.parent_path());
  const Fd fd = value_of(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  assert_ok(write_all(fd.get(), content, path.string()));
  CPPUNIT_ASSERT_EQUAL(0, ::fchmod(fd.get(), mode));
}

inline std::string content_of(const std::filesystem::path& path) { return value_of(read_file(path, 64ULL << 20)); }

inline unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  CPPUNIT_ASSERT_EQUAL_MESSAGE(path.string(), 0, ::lstat(path.c_str(), &status));
  return status.st_mode & 07777;
}

/// Bytes that do not compress.
inline std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

class ReleaseFixture : public CppUnit::TestFixture {
 protected:
  TempDir temp_;
  const std::filesystem::path source_ = temp_ / "source";
  const std::filesystem::path target_ = temp_ / "target";

 public:
  void setUp() override {
    std::filesystem::create_directory(source_);
    std::filesystem::create_directory(target_);
  }

 protected:
  void write_good_source() {
    write_file(source_ / "bin/run", "#!/bin/sh\necho v1\n", 0755);
    write_file(source_ / "lib/deep/er/data.bin", noise(300'000), 0600);
    write_file(source_ / "README", "hello");
  }

  Fd tarball() { return value_of(open_file(temp_ / "release.tar.gz", O_RDWR | O_CREAT | O_TRUNC)); }

  Result<PackedRelease> pack(const Fd& fd, const std::filesystem::path& directory) {
    return pack_release(directory, "my_app", "1.2.0", fd.get());
  }
  Result<PackedRelease> pack() { return pack(tarball(), source_); }

  /// The tarball of the good source.
  Fd packed() {
    write_good_source();
    Fd fd = tarball();
    value_of(pack(fd, source_));
    return fd;
  }
};

}  // namespace midair
