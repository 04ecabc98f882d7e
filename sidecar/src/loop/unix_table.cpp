#include "loop/unix_table.h"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace midair::sidecar {

namespace {

constexpr unsigned long kAccepts = 1UL << 16;  // __SO_ACCEPTCON of linux/net.h

/// Takes the next word off `line`.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::optional<unsigned long> number(std::string_view word, int base) {
  unsigned long value = 0;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc() || stop != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<UnixSocket> parse_unix_socket(std::string_view line) {
  // Num: RefCount Protocol Flags Type St Inode Path
  for (int unused = 0; unused < 3; ++unused) next_word(line);
  const auto flags = number(next_word(line), 16);
  for (int unused = 0; unused < 2; ++unused) next_word(line);
  const auto inode = number(next_word(line), 10);
  if (!flags || !inode || line.size() < 2 || line[1] == '@') return std::nullopt;
  return UnixSocket{(*flags & kAccepts) != 0, static_cast<ino_t>(*inode), std::string(line.substr(1))};
}

std::vector<UnixSocket> unix_sockets() {
  std::vector<UnixSocket> sockets;
  std::ifstream table("/proc/net/unix");
  for (std::string line; std::getline(table, line);)
    if (auto socket = parse_unix_socket(line)) sockets.push_back(*std::move(socket));
  return sockets;
}

}  // namespace midair::sidecar
