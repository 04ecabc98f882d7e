#include "output/output_tail.h"

#include <algorithm>
#include <utility>

#include "midair/foreign_text.h"
#include "midair/redact.h"

namespace midair::sidecar {

namespace {

/// So much is kept of a line; twenty such lines are all that is ever shown.
constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::size_t kMaxShownBytes = OutputTail::kMaxBytes / 8;

/// Where the last lines of `bytes` that can matter begin: what is before them needn't be looked at.
std::size_t start_of_last_lines(std::string_view bytes) {
  std::size_t at = bytes.size();
  for (std::size_t ends = 0; ends <= OutputTail::kMaxLines; ++ends) {
    at = at == 0 ? std::string_view::npos : bytes.rfind('\n', at - 1);
    if (at == std::string_view::npos) return 0;
  }
  return at + 1;
}

}  // namespace

void OutputTail::add(std::size_t stream, std::string_view bytes) {
  Line& open = open_.at(stream);
  if (const std::size_t start = start_of_last_lines(bytes); start > 0) {
    open = {};
    bytes.remove_prefix(start);
  }
  for (;;) {
    const std::size_t end = bytes.find('\n');
    append(open, bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    lines_.push_back(std::exchange(open, {}));
    if (lines_.size() > kMaxLines) lines_.pop_front();
  }
}

void OutputTail::append(Line& line, std::string_view text) {
  const std::size_t room = kMaxLineBytes - line.text.size();
  line.text.append(text.substr(0, room));
  line.cut |= text.size() > room;
}

std::string OutputTail::shown(const Line& line) {
  std::string_view text = line.text;
  // The word at which it was cut may be a secret's beginning.
  if (line.cut) text = text.substr(0, text.find_last_of(" \t\"'") + 1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::string clean = redact(text);
  return tame_and_cut(line.cut ? clean + "..." : clean, kMaxShownBytes, "\t");
}

std::vector<std::string> OutputTail::lines() const {
  std::vector<std::string> last_first;
  std::size_t bytes = 0;
  const auto take = [&](const Line& line) {
    std::string text = shown(line);
    bytes += text.size();
    if (bytes > kMaxBytes || last_first.size() == kMaxLines) return false;
    last_first.push_back(std::move(text));
    return true;
  };
  for (const Line& line : open_)
    if (!line.text.empty()) take(line);
  for (auto line = lines_.rbegin(); line != lines_.rend() && take(*line);) ++line;
  std::reverse(last_first.begin(), last_first.end());
  return last_first;
}

}  // namespace midair::sidecar
