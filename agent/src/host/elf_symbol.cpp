#include "host/elf_symbol.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "midair/durable_file.h"
#include "module_lint.h"

namespace midair::host {

namespace {

constexpr off_t kMaxFile = off_t{1} << 30;

/// A file's bytes for as long as it lives; null where there are none.
class Mapping {
 public:
  Mapping(int fd, std::size_t size)
      : size_(size), bytes_(size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0)) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (bytes_ != MAP_FAILED) ::munmap(bytes_, size_);
  }
  [[nodiscard]] const void* bytes() const { return bytes_ == MAP_FAILED ? nullptr : bytes_; }

 private:
  const std::size_t size_;
  void* const bytes_;
};

}  // namespace

Result<std::uint32_t> read_elf_u32(const std::filesystem::path& path, const std::string& symbol) {
  const auto unusable = [&path](Errc code, std::string cause) {
    return Error{code, "read the plugin", path.string(), std::move(cause)};
  };
  MIDAIR_TRY_ASSIGN(const Fd file, open_regular_file(path));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return system_error(errno, "look at", path.string());
  if (status.st_size > kMaxFile) return unusable(Errc::corrupt, "it is larger than 1 GiB");
  const Mapping mapping(file.get(), static_cast<std::size_t>(status.st_size));
  if (mapping.bytes() == nullptr) return unusable(Errc::corrupt, "it is empty or can't be read");

  std::uint32_t value = 0;
  midair_lint lint{};
  switch (
      midair_read_constant(mapping.bytes(), static_cast<std::size_t>(status.st_size), symbol.c_str(), &value, &lint)) {
    case MIDAIR_CONSTANT_FOUND: return value;
    case MIDAIR_CONSTANT_MISSING:
      return unusable(Errc::not_found, "it doesn't export " + symbol + ", so it is no Midair plugin");
    case MIDAIR_CONSTANT_UNREADABLE: break;
  }
  return unusable(Errc::corrupt, std::string("it is no shared object for this kind of machine: ") + lint.problem);
}

}  // namespace midair::host
