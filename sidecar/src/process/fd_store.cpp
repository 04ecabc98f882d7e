#include "process/fd_store.h"

#include <algorithm>

namespace midair::sidecar {

Result<void> FdStore::add(std::string name, Fd fd) {
  if (!is_descriptor_name(name))
    return Error{Errc::bad_input, "store a descriptor", "",
                 "its name is not 1 to 255 printable ASCII characters without ':'"};
  remove(name);
  if (kept_.size() >= kCapacity)
    return Error{Errc::refused, "store the descriptor", name, std::to_string(kCapacity) + " are stored already",
                 "let the app remove some with FDSTOREREMOVE=1"};
  kept_.emplace_back(std::move(name), std::move(fd));
  return {};
}

void FdStore::remove(const std::string& name) {
  std::erase_if(kept_, [&](const auto& entry) { return entry.first == name; });
}

std::vector<std::pair<std::string, int>> FdStore::named() const {
  std::vector<std::pair<std::string, int>> named;
  named.reserve(kept_.size());
  for (const auto& [name, fd] : kept_) named.emplace_back(name, fd.get());
  return named;
}

}  // namespace midair::sidecar
