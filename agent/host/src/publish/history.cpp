#include "midair/host/publish/history.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "midair/log.h"
#include "midair/parallel.h"

namespace midair::host {

namespace {

/// The number in ".../000000000042.json"; nothing for keys of another form.
std::optional<std::uint64_t> sequence_of(const std::string& key, const StoreLayout& layout) {
  const auto prefix = layout.history_prefix();
  std::uint64_t sequence = 0;
  if (!key.starts_with(prefix)) return std::nullopt;
  std::from_chars(key.data() + prefix.size(), key.data() + key.size(), sequence);
  if (key != layout.history(sequence)) return std::nullopt;
  return sequence;
}

}  // namespace

Result<History> read_history(ObjectStore& store, const StoreLayout& layout, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto objects, store.list(layout.history_prefix(), limits));
  std::vector<std::uint64_t> sequences;
  for (const auto& object : objects)
    if (const auto sequence = sequence_of(object.key, layout)) sequences.push_back(*sequence);
  std::ranges::sort(sequences, std::greater{});

  History history;
  if (!sequences.empty()) history.last_sequence = sequences.front();
  sequences.resize(std::min(sequences.size(), kRecentPublications));
  std::vector<std::optional<Result<TextObject>>> answers(sequences.size());
  for_each_parallel(sequences.size(), [&](std::size_t i) {
    answers[i] = get_text(store, layout.history(sequences[i]), kMaxPointerBytes, limits);
  });

  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto key = layout.history(sequences[i]);
    const auto& answer = *answers[i];
    if (!answer.ok() && answer.error().code != Errc::corrupt && answer.error().code != Errc::not_found)
      return answer.error();
    auto pointer = answer.ok() ? Pointer::parse(answer->text, key) : answer.error();
    if (pointer.ok()) {
      history.recent.push_back(*std::move(pointer));
    } else {
      log(LogLevel::warning, "history.unreadable", {{"key", key}, {"error", pointer.error().message()}});
      history.complete = false;
    }
  }
  return history;
}

}  // namespace midair::host
