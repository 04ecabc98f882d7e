#include "midair/host/fleet/prefix_mirror.h"

#include <string_view>

#include "midair/parallel.h"

namespace midair::host {

Result<std::vector<std::string>> PrefixMirror::refresh(ObjectStore& store, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto listed, store.list(prefix_, limits));

  std::map<std::string, Entry> next;
  std::vector<ObjectInfo> wanted;
  for (const auto& object : listed) {
    const auto known = entries_.find(object.key);
    if (known != entries_.end() && known->second.etag == object.etag)
      next.insert(*known);
    else
      wanted.push_back(object);
  }

  std::vector<std::optional<Result<TextObject>>> answers(wanted.size());
  for_each_parallel(wanted.size(),
                    [&](std::size_t i) { answers[i] = get_text(store, wanted[i].key, max_size_, limits); });

  std::vector<std::string> changed;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto& answer = *answers[i];
    if (answer.ok())
      next[wanted[i].key] = {wanted[i].etag, std::move(answer->text)};
    else if (answer.error().code == Errc::corrupt)
      next[wanted[i].key] = {wanted[i].etag, {}, answer.error()};
    else if (answer.error().code != Errc::not_found)  // not_found: removed between the listing and the read
      return std::move(answer).error();
    if (next.contains(wanted[i].key)) changed.push_back(wanted[i].key);
  }
  for (const auto& [key, entry] : entries_)
    if (!next.contains(key)) changed.push_back(key);
  entries_ = std::move(next);
  return changed;
}

std::string PrefixMirror::stem_of(const std::string& key) const {
  constexpr std::string_view suffix = ".json";
  if (!key.starts_with(prefix_) || !key.ends_with(suffix) || key.size() <= prefix_.size() + suffix.size()) return {};
  return key.substr(prefix_.size(), key.size() - prefix_.size() - suffix.size());
}

}  // namespace midair::host
