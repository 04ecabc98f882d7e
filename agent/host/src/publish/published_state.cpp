#include "midair/host/publish/published_state.h"

#include <algorithm>

#include "midair/json/json.h"

namespace midair::host {

namespace {

Error not_a_pointer(Error error) {
  if (error.hint.empty()) error.hint = "repair that object by hand, or remove it to start over";
  return error;
}

}  // namespace

Result<std::uint64_t> PublishedState::next_sequence() const {
  const auto last = std::max(sequence(), history.last_sequence);
  if (last < kMaxJsonInteger) return last + 1;
  return Error{Errc::refused, "number", "the next publication", "no sequence comes after " + std::to_string(last),
               "remove the pointer or the history entry that has this sequence: nobody publishes so often"};
}

std::uint64_t PublishedState::sequence() const {
  return current && current->pointer.hot_upgrade() ? current->pointer.hot_upgrade()->sequence : 0;
}

std::uint64_t PublishedState::fence() const {
  return current && current->pointer.hot_upgrade() ? current->pointer.hot_upgrade()->fence : 0;
}

std::vector<Pointer> PublishedState::publications() const {
  std::vector<Pointer> all;
  if (current) all.push_back(current->pointer);
  all.insert(all.end(), history.recent.begin(), history.recent.end());
  return all;
}

Result<PublishedState> read_published_state(ObjectStore& store, const StoreLayout& layout, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(auto current, read_pointer(store, layout, limits));
  MIDAIR_TRY_ASSIGN(auto history, read_history(store, layout, limits));
  return PublishedState{std::move(current), std::move(history)};
}

Result<std::optional<CurrentPointer>> read_pointer(ObjectStore& store, const StoreLayout& layout,
                                                   const CallLimits& limits) {
  std::optional<CurrentPointer> current;
  MIDAIR_TRY(refresh_pointer(store, layout, limits, current));
  return current;
}

Result<void> refresh_pointer(ObjectStore& store, const StoreLayout& layout, const CallLimits& limits,
                             std::optional<CurrentPointer>& current) {
  auto read = get_news(store, layout.pointer(), kMaxPointerBytes, current ? current->etag : Etag(), limits);
  if (!read.ok() && read.error().code != Errc::not_found) return std::move(read).error();
  if (!read.ok()) {
    current.reset();
  } else if (*read) {
    auto pointer = Pointer::parse((*read)->text, layout.pointer());
    if (!pointer.ok()) return not_a_pointer(std::move(pointer).error());
    current = CurrentPointer{*std::move(pointer), (*read)->etag};
  }
  return {};
}

}  // namespace midair::host
