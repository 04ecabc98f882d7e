#include "loop/process_descriptors.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string>

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

Error not_duplicated(int err, pid_t pid, int fd) {
  Error error =
      system_error(err, "duplicate", "descriptor " + std::to_string(fd) + " of process " + std::to_string(pid));
  if (err == ESRCH || err == EBADF) error.code = Errc::not_found;
  if (err == ENOSYS) error.code = Errc::denied;
  if (error.code == Errc::denied) error.hint = "give the sidecar CAP_SYS_PTRACE, and a kernel of 5.6 or later";
  return error;
}

}  // namespace

ino_t socket_inode(std::string_view link) {
  constexpr std::string_view kBefore = "socket:[";
  ino_t inode = 0;
  if (!link.starts_with(kBefore) || !link.ends_with(']')) return 0;
  const char* const end = link.data() + link.size() - 1;
  const auto [stop, error] = std::from_chars(link.data() + kBefore.size(), end, inode);
  return error == std::errc() && stop == end ? inode : 0;
}

std::optional<std::set<ino_t>> sockets_of(pid_t pid) {
  std::set<ino_t> inodes;
  std::error_code error;
  fs::directory_iterator entry("/proc/" + std::to_string(pid) + "/fd", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code closed_meanwhile;
    const ino_t inode = socket_inode(fs::read_symlink(entry->path(), closed_meanwhile).native());
    if (inode != 0) inodes.insert(inode);
  }
  if (error == std::errc::permission_denied) return std::nullopt;
  return inodes;
}

Result<Fd> duplicate_descriptor(pid_t pid, int fd) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // glibc 2.36 has no C++-clean wrapper
  if (!process) return not_duplicated(errno, pid, fd);
  Fd duplicate(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
  if (!duplicate) return not_duplicated(errno, pid, fd);
  return duplicate;
}

}  // namespace midair::sidecar
