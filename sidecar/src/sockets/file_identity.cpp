#include "sockets/file_identity.h"

#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>

#include "midair/durable_file.h"

namespace midair::sidecar {

namespace {

/// glibc's setgroups() would change every thread of ours.
void set_groups_of_this_thread(const std::vector<gid_t>& groups) {
  ::syscall(SYS_setgroups, groups.size(), groups.data());
}

}  // namespace

Result<FileIdentity> file_identity(pid_t thread) {
  constexpr std::uint64_t kMaxBytes = 1 << 20;  // with the most groups that there may be
  MIDAIR_TRY_ASSIGN(const std::string text, read_file("/proc/" + std::to_string(thread) + "/status", kMaxBytes));
  FileIdentity identity;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string field;
    words >> field;
    std::array<uid_t, 4> ids{};  // real, effective, saved, of file systems
    if (field == "Umask:") words >> std::oct >> identity.umask;
    if (field == "Uid:" || field == "Gid:") {
      for (uid_t& id : ids) words >> id;
      (field == "Uid:" ? identity.user : identity.group) = ids.back();
    }
    if (field == "Groups:")
      for (gid_t group = 0; words >> group;) identity.groups.push_back(group);
  }
  return identity;
}

ActingAs::ActingAs(const FileIdentity& identity) : privileged_(::geteuid() == 0) {
  if (!privileged_) return;
  own_groups_.resize(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  own_groups_.resize(
      static_cast<std::size_t>(std::max(0, ::getgroups(static_cast<int>(own_groups_.size()), own_groups_.data()))));
  set_groups_of_this_thread(identity.groups);
  ::setfsgid(identity.group);
  ::setfsuid(identity.user);  // the last: it takes the privileges that concern files
}

ActingAs::~ActingAs() {
  if (!privileged_) return;
  ::setfsuid(::geteuid());
  ::setfsgid(::getegid());
  set_groups_of_this_thread(own_groups_);
}

}  // namespace midair::sidecar
