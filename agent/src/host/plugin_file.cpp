#include "host/plugin_file.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "host/elf_symbol.h"

namespace midair::host {

namespace fs = std::filesystem;

namespace {

Error refused(const fs::path& path, std::string cause, std::string hint = {}) {
  return {Errc::refused, "load the plugin", path.string(), std::move(cause), std::move(hint)};
}

bool is_plugin_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

Result<void> check_descriptor(const fs::path& path, const PluginDescriptor* descriptor) {
  if (descriptor == nullptr || descriptor->name == nullptr || !is_plugin_name(descriptor->name))
    return refused(path, "its descriptor has no usable name (lower-case letters, digits and '-')");
  if (descriptor->version == nullptr || *descriptor->version == '\0')
    return refused(path, "its descriptor has no version");
  if (descriptor->provides == nullptr || descriptor->needs == nullptr || descriptor->create == nullptr ||
      descriptor->destroy == nullptr)
    return refused(path, "its descriptor is incomplete: provides, needs, create and destroy must be set");
  return {};
}

constexpr int kMaxLinks = 40;  // as the kernel has it

fs::path directory_of(const fs::path& path) {
  const fs::path clean = path.has_filename() ? path : path.parent_path();
  return clean.has_parent_path() ? clean.parent_path() : fs::path(".");
}

Result<struct stat> look_at(const fs::path& path, int (*look)(const char*, struct stat*)) {
  struct stat status {};
  if (look(path.c_str(), &status) != 0) return system_error(errno, "look at", path.string());
  return status;
}

Result<void> check_owner(const fs::path& path, const struct stat& status) {
  if (status.st_uid == 0 || status.st_uid == ::geteuid()) return {};
  return refused(path, "it belongs to user " + std::to_string(status.st_uid) + ", who could plant code",
                 "chown " + std::to_string(::geteuid()) + " " + path.string());
}

/// A group of one's own (as many distributions give each user) may write what is one's own.
Result<void> check_writable(const fs::path& path, const struct stat& status) {
  if ((status.st_mode & S_IWOTH) != 0)
    return refused(path, "everybody may write it, so anybody could have planted code", "chmod o-w " + path.string());
  const bool ours = status.st_uid == ::geteuid() && status.st_gid == ::getegid();
  if ((status.st_mode & S_IWGRP) != 0 && !ours)
    return refused(path, "its group may write it, so others could have planted code", "chmod g-w " + path.string());
  return {};
}

/// Who may write a directory may put something else in the place of what is in it, unless it is sticky (/tmp).
Result<void> check_place(const fs::path& directory) {
  MIDAIR_TRY_ASSIGN(const struct stat status, look_at(directory, ::stat));
  MIDAIR_TRY(check_owner(directory, status));
  return (status.st_mode & S_ISVTX) != 0 ? Result<void>() : check_writable(directory, status);
}

}  // namespace

Result<void> check_trusted(const fs::path& path) {
  fs::path at = path;
  for (int links = 0; links <= kMaxLinks; ++links) {
    MIDAIR_TRY(check_place(directory_of(at)));
    MIDAIR_TRY_ASSIGN(const struct stat status, look_at(at, ::lstat));
    MIDAIR_TRY(check_owner(at, status));
    if (!S_ISLNK(status.st_mode)) return check_writable(at, status);
    std::error_code failure;
    const fs::path target = fs::read_symlink(at, failure);
    if (failure) return system_error(failure.value(), "follow the link", at.string());
    at = target.is_absolute() ? target : directory_of(at) / target;
  }
  return system_error(ELOOP, "look at", path.string());
}

Result<std::vector<fs::path>> list_plugin_files(const fs::path& directory) {
  MIDAIR_TRY(check_trusted(directory));
  std::error_code failure;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end; entry.increment(failure))
    if (entry->path().extension() == ".so") files.push_back(entry->path());
  if (failure) return system_error(failure.value(), "list the plugins in", directory.string());
  std::sort(files.begin(), files.end());
  return files;
}

Result<const PluginDescriptor*> map_plugin(const fs::path& path) {
  MIDAIR_TRY(check_trusted(path));
  MIDAIR_TRY_ASSIGN(const std::uint32_t abi, read_elf_u32(path, "midair_plugin_abi"));
  if (abi != kPluginAbi)
    return refused(
        path, "it was built for plugin ABI " + std::to_string(abi) + ", this midair has " + std::to_string(kPluginAbi),
        "rebuild the plugin against this midair's headers");
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return refused(path, ::dlerror());
  using Entry = const PluginDescriptor* (*)();
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "midair_plugin"));
  if (entry == nullptr) return refused(path, "it doesn't export midair_plugin()");
  const PluginDescriptor* descriptor = entry();
  MIDAIR_TRY(check_descriptor(path, descriptor));
  return descriptor;
}

}  // namespace midair::host
