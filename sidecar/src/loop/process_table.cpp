#include "loop/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace midair::sidecar {

namespace {

template <class Number>
bool parse_number(std::string_view text, Number& number) noexcept {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size();
}

/// "/proc/PID/stat", null-terminated.
std::array<char, 32> stat_path(pid_t pid) noexcept {
  constexpr std::string_view kBefore = "/proc/";
  constexpr std::string_view kAfter = "/stat";
  std::array<char, 32> path{};
  char* end = std::copy(kBefore.begin(), kBefore.end(), path.data());
  end = std::to_chars(end, path.data() + path.size(), pid).ptr;
  std::copy(kAfter.begin(), kAfter.end(), end);
  return path;
}

}  // namespace

std::string_view ProcessStat::name() const noexcept {
  return {comm.data(), static_cast<std::size_t>(std::find(comm.begin(), comm.end(), '\0') - comm.begin())};
}

std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept {
  // "PID (COMMAND) STATE PPID ...": the command may itself hold spaces and parentheses, so count from its last ')'.
  const auto command_begin = text.find('(');
  const auto command_end = text.rfind(')');
  if (command_begin == std::string_view::npos || command_end == std::string_view::npos || command_end < command_begin)
    return std::nullopt;
  ProcessStat stat;
  text.substr(command_begin + 1, command_end - command_begin - 1).copy(stat.comm.data(), stat.comm.size());
  text.remove_prefix(command_end + 1);
  std::array<std::string_view, 20> fields;  // from field 3, the state, to field 22, the start time
  for (std::string_view& field : fields) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    field = text.substr(0, text.find_first_of(" \n"));
    if (field.empty()) return std::nullopt;
    text.remove_prefix(field.size());
  }
  stat.state = fields[0].front();
  if (!parse_number(fields[1], stat.parent) || !parse_number(fields[3], stat.session) ||
      !parse_number(fields[17], stat.threads) || !parse_number(fields[19], stat.start_ticks))
    return std::nullopt;
  return stat;
}

std::optional<ProcessStat> process_stat(pid_t pid) noexcept {
  const Fd file(::open(stat_path(pid).data(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 4096> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());  // whole: the kernel makes it at the first read
  return size > 0 ? parse_process_stat({text.data(), static_cast<std::size_t>(size)}) : std::nullopt;
}

std::string describe_process(pid_t pid) {
  const auto stat = process_stat(pid);
  if (!stat) return std::to_string(pid) + ", which has ended";
  std::string name(stat->name());
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return std::to_string(pid) + " (" + name + ")";
}

ProcessList::ProcessList() noexcept : directory_(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

pid_t ProcessList::next() noexcept {
  for (;;) {
    if (at_ == end_) {
      const ssize_t size = ::getdents64(directory_.get(), entries_.data(), entries_.size());
      if (size <= 0) return 0;
      at_ = 0;
      end_ = static_cast<std::size_t>(size);
    }
    const auto* entry = reinterpret_cast<const dirent64*>(entries_.data() + at_);
    at_ += entry->d_reclen;
    pid_t pid = 0;
    if (parse_number(std::string_view(entry->d_name), pid)) return pid;
  }
}

}  // namespace midair::sidecar
