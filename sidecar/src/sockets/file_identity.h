/// @file
/// Doing with files what another process may do with them.
#pragma once

#include <sys/types.h>

#include <vector>

#include "midair/error.h"

namespace midair::sidecar {

/// As whom a thread is seen by file systems, and what it takes off the mode of files that it makes.
struct FileIdentity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  mode_t umask = 0;
};

/// Of the thread, from /proc/PID/status (Linux 4.7). Errc::not_found if it has ended.
[[nodiscard]] Result<FileIdentity> file_identity(pid_t thread);

/// For as long as this lives the calling thread, and no other, meets file systems as `identity`, but with a umask of
/// its own. Where we aren't root that is who we are.
class ActingAs {
 public:
  explicit ActingAs(const FileIdentity& identity);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  const bool privileged_;
  std::vector<gid_t> own_groups_;
};

}  // namespace midair::sidecar
